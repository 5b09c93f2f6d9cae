//! The action that samples packets.

use crate::action::*;
use crate::field::PortNo;
use crate::text::number;
use crate::text::subfield::{subfield, with_short_header};
use crate::text::token::{Fault, Pair, Pairs};
use crate::text::{Parsed, Parser};

/// Reads `sample`, which becomes the oldest form that can say it.
pub(super) fn sample<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    let mut sample = Sample4 {
        probability: 0,
        collector_set_id: 0,
        obs_domain_id: ObservationId::Number(0),
        obs_point_id: ObservationId::Number(0),
        sampling_port: u16::MAX,
        direction: SampleDirection::DEFAULT,
    };
    for pair in Pairs::new(text) {
        property(parser, &mut sample, text, pair)?;
    }
    if sample.probability == 0 {
        let message = "non-zero \"probability\" must be specified on sample";
        return Err(number::missing(text, "probability=", message.to_owned()));
    }
    Ok(oldest(sample))
}

/// The oldest form of the action that says as much.
fn oldest(sample: Sample4) -> Action {
    let Sample4 {
        probability,
        collector_set_id,
        obs_domain_id: ObservationId::Number(obs_domain_id),
        obs_point_id: ObservationId::Number(obs_point_id),
        sampling_port,
        direction,
    } = sample
    else {
        return sample.into();
    };
    if direction != SampleDirection::DEFAULT {
        let directed = Sample3 {
            probability,
            collector_set_id,
            obs_domain_id,
            obs_point_id,
            sampling_port,
            direction,
        };
        return directed.into();
    }
    if sampling_port == u16::MAX {
        let plain = Sample {
            probability,
            collector_set_id,
            obs_domain_id,
            obs_point_id,
        };
        return plain.into();
    }
    let at_port = Sample2 {
        probability,
        collector_set_id,
        obs_domain_id,
        obs_point_id,
        sampling_port,
    };
    at_port.into()
}

fn property<'a>(
    parser: &Parser<'_>,
    sample: &mut Sample4,
    whole: &str,
    pair: Pair<'a>,
) -> Parsed<'a, ()> {
    let Pair { key, value } = pair;
    match key {
        "probability" => {
            sample.probability = number::u16(value, key)?;
            if sample.probability == 0 {
                let message = format!("invalid probability value \"{value}\"");
                return Err(Fault::new(value, "a number from 1 to 65535", message));
            }
        }
        "collector_set_id" => sample.collector_set_id = number::u32(value)?,
        "obs_domain_id" => sample.obs_domain_id = observation(whole, pair)?,
        "obs_point_id" => sample.obs_point_id = observation(whole, pair)?,
        "sampling_port" => {
            let port = parser.port(value).and_then(PortNo::to_16);
            sample.sampling_port =
                port.ok_or_else(|| Fault::new(value, "a port", format!("{value}: unknown port")))?;
        }
        "ingress" => sample.direction = SampleDirection::INGRESS,
        "egress" => sample.direction = SampleDirection::EGRESS,
        _ => {
            let message = format!("invalid key \"{key}\" in \"sample\" argument");
            return Err(Fault::new(key, "probability or the like", message));
        }
    }
    Ok(())
}

/// Reads a number, or a field that holds one.
fn observation<'a>(whole: &str, Pair { key, value }: Pair<'a>) -> Parsed<'a, ObservationId> {
    let not_number = match number::u32(value) {
        Ok(number) => return Ok(ObservationId::Number(number)),
        Err(fault) => fault,
    };
    // What starts as a number is none of a field.
    if value.starts_with(|c: char| c.is_ascii_digit()) || value.is_empty() {
        return Err(not_number);
    }
    let part = with_short_header(whole, value, subfield(value)?)?;
    if part.bits() > ObservationId::BITS {
        let (bits, most) = (part.bits(), ObservationId::BITS);
        let message = format!("size of {key} field ({bits}) exceeds maximum ({most})");
        return Err(Fault::new(value, "at most 32 bits", message));
    }
    Ok(ObservationId::Field(part))
}
