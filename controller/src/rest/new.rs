//! What objects get when they are made: an identity, and the time.

use hyper::StatusCode;
use ovsdb::Uuid;

use super::fault::Fault;

/// A random number.
///
/// # Errors
///
/// The system has none.
pub(super) fn random() -> Result<u32, Fault> {
    getrandom::u32().map_err(no_random)
}

/// A random MAC address, of those that Neutron gives.
///
/// # Errors
///
/// The system has no random numbers.
pub(super) fn random_mac() -> Result<String, Fault> {
    let [a, b, c, _] = random()?.to_be_bytes();
    Ok(format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}"))
}

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
///
/// The system has no random numbers.
pub(super) fn random_id() -> Result<Uuid, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(no_random)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Seconds since 1970 as Neutron writes them, `2026-11-22T12:02:21Z`.
pub(super) fn time(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March, in cycles of 400: the leap day is the last of its year.
    let day = days + 719_468;
    let (cycle, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year + cycle * 400 + next;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn no_random(error: getrandom::Error) -> Fault {
    Fault::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        format!("no random numbers: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_written_as_neutron_writes_them() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(time(1_795_348_941), "2026-11-22T12:02:21Z");
    }
}
