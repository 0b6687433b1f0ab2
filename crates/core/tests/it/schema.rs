//! The JSON Schema of an outcome names what the code has.

use mpt_tokens::{Code, Outcome};
use serde_json::Value;

fn names(schema: &Value, pointer: &str) -> Vec<String> {
    let list = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is there"));
    serde_json::from_value(list.clone()).expect("a list of names")
}

#[test]
fn every_code_and_outcome_is_in_the_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/outcome.schema.json")).expect("JSON");
    let codes: Vec<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
    let outcomes: Vec<String> =
        Outcome::ALL.iter().map(|outcome| outcome.name().to_owned()).collect();
    for result in ["", "/$defs/proof"] {
        assert_eq!(names(&schema, &format!("{result}/properties/code/enum")), codes);
        assert_eq!(names(&schema, &format!("{result}/properties/outcome/enum")), outcomes);
    }
    assert_eq!(names(&schema, "/$defs/attempt/properties/failure/oneOf/0/enum"), codes);
}
