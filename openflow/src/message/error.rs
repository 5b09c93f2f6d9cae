//! Why a peer refuses a message (section 7.5.4).
//!
//! An error quotes the message that it refuses, so that its header can be found again. Which
//! errors there are, and their names, stands in a table.

mod codes;

use std::fmt;

use bytes::Bytes;

use super::{Header, NICIRA, ONF};
use crate::action::Action;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A refusal of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub code: ErrorCode,
    /// The refused message, or its start; for [`ErrorCode::OFPHFC_INCOMPATIBLE`] a text.
    pub data: Bytes,
}

impl Error {
    /// The answer to `frame`, a message that could not be read because of `error`.
    ///
    /// It quotes as much of the message as the specification asks for at least, 64 bytes.
    #[must_use]
    pub fn about(error: &DecodeError, frame: &Bytes) -> Self {
        Self {
            code: ErrorCode::from(error),
            data: frame.slice(..frame.len().min(64)),
        }
    }

    /// The answer to a greeting without a version that both sides speak; `text` is for people.
    #[must_use]
    pub fn incompatible(text: &str) -> Self {
        Self {
            code: ErrorCode::OFPHFC_INCOMPATIBLE,
            data: Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    /// Whether the peer found no version that both sides speak.
    #[must_use]
    pub const fn is_hello_failed(&self) -> bool {
        matches!(self.code, ErrorCode::Standard(HELLO_FAILED, _))
    }

    /// The header of the refused message, if the error quotes one.
    #[must_use]
    pub fn refused(&self) -> Option<Header> {
        if self.is_hello_failed() {
            return None;
        }
        Header::peek(&self.data)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl Wire for Error {
    fn encode(&self, out: &mut Writer) {
        match self.code {
            ErrorCode::Standard(kind, code) => {
                kind.encode(out);
                code.encode(out);
            }
            ErrorCode::Nicira(kind) => encode_experimenter(NICIRA, kind, out),
            ErrorCode::Onf(kind) => encode_experimenter(ONF, kind, out),
            ErrorCode::Foreign(experimenter, kind) => encode_experimenter(experimenter, kind, out),
        }
        out.put(&self.data);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = u16::decode(input)?;
        let code = u16::decode(input)?;
        let code = match kind {
            EXPERIMENTER => match u32::decode(input)? {
                NICIRA => ErrorCode::Nicira(code),
                ONF => ErrorCode::Onf(code),
                experimenter => ErrorCode::Foreign(experimenter, code),
            },
            _ => ErrorCode::Standard(kind, code),
        };
        Ok(Self {
            code,
            data: input.remainder(),
        })
    }
}

fn encode_experimenter(experimenter: u32, kind: u16, out: &mut Writer) {
    EXPERIMENTER.encode(out);
    kind.encode(out);
    experimenter.encode(out);
}

/// The type of an error that an experimenter defines, `OFPET_EXPERIMENTER`.
const EXPERIMENTER: u16 = 0xffff;

/// The type of the errors about versions, `OFPET_HELLO_FAILED`.
const HELLO_FAILED: u16 = 0;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// An error of OpenFlow itself: its type (not `0xffff`) and its code.
    Standard(u16, u16),
    /// An error of Open vSwitch.
    Nicira(u16),
    /// An error of the Open Networking Foundation, for parts of later versions in 1.3.
    Onf(u16),
    /// An error of another experimenter: whose, and which.
    Foreign(u32, u16),
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.name()) {
            (_, Some(name)) => f.write_str(name),
            (Self::Standard(kind, code), None) => write!(f, "error type {kind} code {code}"),
            (Self::Nicira(kind), None) => write!(f, "Nicira error {kind}"),
            (Self::Onf(kind), None) => write!(f, "ONF error {kind}"),
            (Self::Foreign(experimenter, kind), None) => {
                write!(f, "experimenter {experimenter:#010x} error {kind}")
            }
        }
    }
}

/// The error that answers bytes that could not be read.
///
/// What was being read decides the type of the error, what is wrong with it the code.
impl From<&DecodeError> for ErrorCode {
    fn from(error: &DecodeError) -> Self {
        let owner = error.what.split('.').next().unwrap_or_default();
        match (&error.problem, owner) {
            (Problem::BadPadding, "SetField" | "RegLoad2") => Self::OFPBAC_BAD_SET_ARGUMENT,
            (Problem::BadPadding, _) => Self::NXBRC_MUST_BE_ZERO,
            (Problem::TooDeep, _) => Self::OFPBAC_TOO_MANY,
            (Problem::UnknownCode { .. }, "Match") if error.what == "Match.type" => {
                Self::OFPBMC_BAD_TYPE
            }
            (_, "Match") if error.what == "Match.length" => Self::OFPBMC_BAD_LEN,
            (problem, "Match") => in_match(problem),
            (_, "field") => Self::OFPBMC_BAD_LEN,
            (problem, "Instruction" | "Instructions") => in_instruction(problem),
            (problem, owner) if owner == "Action" || Action::BODIES.contains(&owner) => {
                in_action(problem, error.what)
            }
            (Problem::BadValue { .. }, "Header") => Self::OFPBRC_BAD_VERSION,
            (_, "Bucket") => Self::OFPGMFC_BAD_BUCKET,
            _ if matches!(error.what, "BundleAdd.message" | "RequestForward.message") => {
                Self::OFPBFC_MSG_BAD_LEN
            }
            (Problem::UnknownCode { .. }, "MeterBand") => Self::OFPMMFC_BAD_BAND,
            (Problem::UnknownCode { .. }, _) => Self::OFPBRC_BAD_TYPE,
            (
                _,
                "PacketIn2" | "CtFlush" | "CtTuple" | "SetAsyncConfig2" | "TableFeatures"
                | "TableProperty",
            ) => Self::OFPBPC_BAD_LEN,
            _ => Self::OFPBRC_BAD_LEN,
        }
    }
}

const fn in_match(problem: &Problem) -> ErrorCode {
    match problem {
        Problem::Duplicate { .. } => ErrorCode::OFPBMC_DUP_FIELD,
        Problem::MissingPrerequisite { .. } => ErrorCode::OFPBMC_BAD_PREREQ,
        Problem::BadMask { .. } => ErrorCode::OFPBMC_BAD_WILDCARDS,
        Problem::Unmaskable { .. } => ErrorCode::OFPBMC_BAD_MASK,
        // With another length it is another field, which nobody knows.
        Problem::UnknownCode { .. } | Problem::BadLength { .. } => ErrorCode::OFPBMC_BAD_FIELD,
        Problem::BadValue { .. } => ErrorCode::OFPBMC_BAD_VALUE,
        _ => ErrorCode::OFPBMC_BAD_LEN,
    }
}

const fn in_instruction(problem: &Problem) -> ErrorCode {
    match problem {
        Problem::Repeated { .. } => ErrorCode::OFPBIC_DUP_INST,
        Problem::UnknownCode { .. } => ErrorCode::OFPBIC_UNKNOWN_INST,
        _ => ErrorCode::OFPBIC_BAD_LEN,
    }
}

/// A field that an action names is refused as one in a match, but for what only actions can do.
fn in_action(problem: &Problem, what: &str) -> ErrorCode {
    match (problem, what) {
        (Problem::UnknownCode { .. }, "Action") => ErrorCode::OFPBAC_BAD_TYPE,
        (Problem::UnknownCode { .. }, "SetField.field") => ErrorCode::OFPBAC_BAD_SET_TYPE,
        (Problem::BadLength { .. }, "SetField.field") => ErrorCode::OFPBAC_BAD_SET_LEN,
        (Problem::BadValue { .. }, "SetField.field") => ErrorCode::OFPBAC_BAD_SET_ARGUMENT,
        (Problem::UnknownCode { .. }, _) => ErrorCode::OFPBMC_BAD_FIELD,
        (Problem::Unmaskable { .. }, "SetField.field") => ErrorCode::OFPBAC_BAD_SET_MASK,
        (Problem::Unmaskable { .. }, "RegLoad.target") => ErrorCode::OFPBAC_BAD_SET_ARGUMENT,
        (Problem::Unmaskable { .. }, _) => ErrorCode::OFPBMC_BAD_MASK,
        (Problem::BadMask { .. }, _) => ErrorCode::OFPBMC_BAD_WILDCARDS,
        (Problem::ReadOnly { .. }, _) => ErrorCode::OFPBAC_BAD_SET_ARGUMENT,
        (Problem::BadValue { .. }, "Ct.zone") => ErrorCode::OFPBAC_BAD_SET_LEN,
        (Problem::BadValue { .. }, _) => ErrorCode::OFPBAC_BAD_ARGUMENT,
        _ => ErrorCode::OFPBAC_BAD_LEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_code_belong_together() {
        assert_eq!(
            ErrorCode::Standard(5, 6).name(),
            Some("OFPFMFC_BAD_COMMAND")
        );
        assert_eq!(ErrorCode::OFPBFC_MSG_FAILED, ErrorCode::Onf(2313));
        assert_eq!(
            ErrorCode::Standard(5, 99).to_string(),
            "error type 5 code 99"
        );
    }

    #[test]
    fn an_error_in_the_body_of_an_action_is_one_about_actions() {
        let error = |what, problem| {
            let offset = 0;
            ErrorCode::from(&DecodeError {
                what,
                offset,
                problem,
            })
        };
        let short = Problem::Truncated { missing: 1 };
        assert_eq!(
            error("Output.port", short.clone()),
            ErrorCode::OFPBAC_BAD_LEN
        );
        assert_eq!(error("Match.in_port", short), ErrorCode::OFPBMC_BAD_LEN);
        let bad = Problem::BadValue { value: 1 };
        assert_eq!(error("Ct.zone", bad), ErrorCode::OFPBAC_BAD_SET_LEN);
        let twice = Problem::Repeated { code: 4 };
        assert_eq!(error("Instruction", twice), ErrorCode::OFPBIC_DUP_INST);
    }

    #[test]
    fn an_error_about_versions_quotes_no_message() {
        let data = Bytes::from_static(b"only 1.0 here");
        let code = ErrorCode::OFPHFC_INCOMPATIBLE;
        assert_eq!(Error { code, data }.refused(), None);
    }
}
