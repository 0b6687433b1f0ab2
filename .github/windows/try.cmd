@echo off
rem Lists made-up token values in cmd: .github\windows\try.cmd FOLDER, where FOLDER has mpt-tokens.exe.
setlocal
set "leak=%TEMP%\mpt-tokens-try"
if not exist "%leak%" mkdir "%leak%"
>"%leak%\a.env" echo MPT_API_TOKEN=idt:TKN-1671-0642:uBzXkqAe39mRwTfYhC5oPzVd
"%~1\mpt-tokens.exe" find "%leak%"
if not "%ERRORLEVEL%"=="1" echo the exit status is %ERRORLEVEL%& exit /b 1
rmdir /s /q "%leak%"
"%~1\mpt-tokens.exe" --version
