const token = "idt:TKN-2003-9794:RGOpLVN17bPYaVZ6pReXryYJLAlm0T4h34ioL2oetldsLVJrUeeo4Yr8AG9Yjfob";
// old: idt:TKN-2004-9609:GOwwQUxBLPJDdSvuc7FkUYjDsY5IKdw8iEn32fhBrflBlRMIduWUKbsZy5HpE0pQ
const id = 'TKN-2005-8502'; // the id alone
fetch(url, { headers: { Authorization: `Bearer idt:TKN-2006-1316:D7LUu6yJ9jwW5s9D379PC6vvurE6gnQbF50qxZNyQALRnEcvgYJ0PGmU5aq522aR` } });
