//! What a port's row says of the machine that is plugged in.
//!
//! Its keys and what it does when it starts are not Neutron's affair. They are in Neutron's
//! `binding:profile`, which is free for such things and which only administrators see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pipelines::network::{self, Machine};
use serde_json::{Map, Value};

use super::tables::Port;

/// Key of the profile for the keys of OpenSSH, by name.
const PUBLIC_KEYS: &str = "public_keys";
/// Key of the profile for what cloud-init does.
const USER_DATA: &str = "user_data";
/// Key of the profile for the same in Base64, where it is no text.
const USER_DATA_BASE64: &str = "user_data_base64";
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
    let text = |key| profile.get(key).and_then(Value::as_str);
    let decoded = text(USER_DATA_BASE64).and_then(|data| BASE64.decode(data).ok());
    let user_data = decoded.or_else(|| text(USER_DATA).map(|data| data.as_bytes().to_vec()));
    Machine {
        id: row.device_id.clone(),
        public_keys: keys.collect(),
        user_data: user_data.unwrap_or_default(),
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
    profile.remove(USER_DATA);
    profile.remove(USER_DATA_BASE64);
    let data = port.machine.user_data.as_slice();
    let (key, text) = match str::from_utf8(data) {
        Ok(text) => (USER_DATA, text.to_owned()),
        Err(_) => (USER_DATA_BASE64, BASE64.encode(data)),
    };
    if !text.is_empty() {
        profile.insert(key.to_owned(), Value::from(text));
    }
    match profile.is_empty() {
        true => String::new(),
        false => Value::Object(profile).to_string(),
    }
}

fn profile(row: &Port) -> Map<String, Value> {
    serde_json::from_str(&row.binding_profile).unwrap_or_default()
}
