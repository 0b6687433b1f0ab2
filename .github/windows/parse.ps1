# Parses every PowerShell block of some documents by PowerShell itself: .github/windows/parse.ps1 FILE...
param([Parameter(Mandatory, ValueFromRemainingArguments)][string[]] $Files)
$ErrorActionPreference = 'Stop'

$blocks = 0
foreach ($file in $Files) {
    $text = Get-Content -Path $file -Raw -Encoding utf8
    foreach ($match in [regex]::Matches($text, '(?ms)^```powershell\r?\n(.*?)^```')) {
        $tokens = $errors = $null
        [void][System.Management.Automation.Language.Parser]::ParseInput($match.Groups[1].Value, [ref]$tokens, [ref]$errors)
        if ($errors) { throw "${file}: $($errors[0].Message)`n$($match.Groups[1].Value)" }
        $blocks += 1
    }
}
if ($blocks -eq 0) { throw 'there is no block' }
Write-Output "$blocks blocks"
