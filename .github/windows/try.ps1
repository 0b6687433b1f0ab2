# Deletes tokens of a sandbox by the program and by a C program, in Windows PowerShell 5.1 and in PowerShell 7:
#
#     .github/windows/try.ps1 FOLDER
#
# FOLDER has mpt-tokens.exe, mpt_tokens.dll and delete_one.exe (crates/capi/examples/delete_one.c).
param([Parameter(Mandatory)][string] $Folder)
$ErrorActionPreference = 'Stop'

$log = Join-Path $Folder 'sandbox.ndjson'
$program = Join-Path $Folder 'mpt-tokens.exe'
$sandbox = Start-Process -FilePath $program -ArgumentList 'sandbox', '--format', 'ndjson' -RedirectStandardOutput $log -PassThru -NoNewWindow
try {
    do {
        if ($sandbox.HasExited) { throw 'the sandbox ended' }
        Start-Sleep -Milliseconds 100
        $line = Get-Content -Path $log -TotalCount 1
    } until ($line)
    $told = $line | ConvertFrom-Json
    $env:MPT_API_BASE_URL = $told.base_url
    $env:MPT_API_TOKEN = $told.api_token

    $outcomes = & $program delete TKN-ok-0001 TKN-404-0002 --yes --format ndjson | ConvertFrom-Json
    if ($LASTEXITCODE -ne 1) { throw "the exit status is $LASTEXITCODE" }
    $seen = ($outcomes | Sort-Object -Property id | ForEach-Object { $_.outcome }) -join ' '
    if ($seen -ne 'not_deleted deleted') { throw "the outcomes are $seen" }

    & (Join-Path $Folder 'delete_one.exe') TKN-ok-0003
    if ($LASTEXITCODE -ne 0) { throw "the C program ended with $LASTEXITCODE" }
    Write-Output 'the program and the library delete'
}
finally {
    Remove-Item -Path Env:MPT_API_TOKEN, Env:MPT_API_BASE_URL -ErrorAction SilentlyContinue
    if (-not $sandbox.HasExited) { $sandbox.Kill() }
}
