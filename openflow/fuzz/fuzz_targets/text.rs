//! Whatever is read from text is printed, and what was printed is read as the same.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use openflow::flow::Flow;
use openflow::group::Group;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::meter::Meter;

fn trip<T>(text: &str)
where
    T: FromStr<Err: Debug> + Display + PartialEq + Debug,
{
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        let again = printed.parse::<T>();
        assert_eq!(again.as_ref().ok(), Some(&value), "{printed}: {again:?}");
    }
}

fuzz_target!(|text: &str| {
    trip::<Match>(text);
    trip::<Instructions>(text);
    trip::<Flow>(text);
    trip::<Group>(text);
    trip::<Meter>(text);
});
