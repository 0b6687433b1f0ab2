variable "token" { default = "idt:TKN-2013-4890:AlmByzhfaf6blcJcjhDNy1NVa6JzkMn3stvz1urrJL9f7YHPH43NWGhuPu0mKFLw" }
