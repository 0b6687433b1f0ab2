module mpttokens

go 1.19
