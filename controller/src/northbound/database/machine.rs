//! What a port's row says of the machine that is plugged in.
//!
//! Its keys and what it does when it starts are not Neutron's affair. They are in Neutron's
//! `binding:profile`, which is free for such things and which only administrators see.

use pipelines::network::{self, Machine};
use serde_json::{Map, Value};

use super::tables::Port;

/// Key of the profile for the keys of OpenSSH, by name.
const PUBLIC_KEYS: &str = "public_keys";
/// Key of the profile for what cloud-init does.
const USER_DATA: &str = "user_data";
/// How the owners of ports begin that are no machine's.
const NOT_A_MACHINE: &str = "network:";

/// The machine of a port; that of a router's is nobody's.
pub(super) fn machine(row: &Port) -> Machine {
    if row.device_owner.starts_with(NOT_A_MACHINE) {
        return Machine::default();
    }
    let profile = profile(row);
    let keys = profile.get(PUBLIC_KEYS).and_then(Value::as_object);
    let keys = keys.into_iter().flatten();
    let keys = keys.filter_map(|(name, key)| Some((name.clone(), key.as_str()?.to_owned())));
    let user_data = profile.get(USER_DATA).and_then(Value::as_str);
    Machine {
        id: row.device_id.clone(),
        public_keys: keys.collect(),
        user_data: user_data.unwrap_or_default().to_owned(),
    }
}

/// The profile of a port with its machine in it; what else is there stays.
pub(super) fn profile_of(port: &network::Port, row: Option<&Port>) -> String {
    let mut profile = row.map(profile).unwrap_or_default();
    let keys = &port.machine.public_keys;
    match keys.is_empty() {
        true => profile.remove(PUBLIC_KEYS),
        false => {
            let keys = keys
                .iter()
                .map(|(name, key)| (name.clone(), Value::from(key.as_str())));
            profile.insert(PUBLIC_KEYS.to_owned(), Value::Object(keys.collect()))
        }
    };
    match port.machine.user_data.as_str() {
        "" => profile.remove(USER_DATA),
        user_data => profile.insert(USER_DATA.to_owned(), Value::from(user_data)),
    };
    match profile.is_empty() {
        true => String::new(),
        false => Value::Object(profile).to_string(),
    }
}

fn profile(row: &Port) -> Map<String, Value> {
    serde_json::from_str(&row.binding_profile).unwrap_or_default()
}
