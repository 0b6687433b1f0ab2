#!/bin/sh
curl -X DELETE -H 'Authorization: Bearer idt:TKN-2032-1702:NkrLKtXYmbLUUgGRoQfMZO5xB5VQ5hLpPEgGsPOp4QZnJZ5o2xEmCG0sBdhYf7IL' \
  https://api.example/public/v1/accounts/api-tokens/TKN-2033-9324
export T=idt:TKN-2034-0938:QZs53P0hTwLTRS6pSWAohGE4pRtgAxbtuJavHCvCw5LinNguzySWn8JEJomZ1poK  # TKN-2035-6848
