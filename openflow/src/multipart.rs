//! Questions whose answers may be too long for one message (section 7.3.5).
//!
//! A request or reply in parts is several messages with one transaction number; all but the last
//! have the flag [`MORE`](MultipartFlags::MORE). What a part holds is complete in itself, so each
//! is a value of its own, and whoever asked puts the lists together.

mod desc;
mod flow;
mod flow_monitor;
mod group;
mod ipfix;
mod meter;
mod port;
mod table;

use bytes::Bytes;

pub use desc::Desc;
pub use flow::{AggregateStats, FlowStats, FlowStatsRequest};
pub use flow_monitor::{FlowChange, FlowEvent, FlowMonitorFlags, FlowMonitorRequest, FlowUpdate};
pub use group::{BucketCounter, GroupCapabilities, GroupFeatures, GroupStats, GroupStatsRequest};

pub use ipfix::IpfixStats;
pub use meter::{BandStats, MeterFeatures, MeterRequest, MeterStats};
pub use port::{ALL_QUEUES, PortStats, PortStatsRequest, QueueStats, QueueStatsRequest};
pub use table::{
    FeatureCode, TableFeatures, TableProperty, TablePropertyKind, TablePropertyValue, TableStats,
};

use crate::declare::flags;
use crate::group::Group;
use crate::message::{NICIRA, ONF, Port};
use crate::meter::Meter;
use crate::samples::Sample;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A question, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartRequest {
    /// Whether there are more parts.
    pub flags: MultipartFlags,
    /// What is asked.
    pub body: RequestBody,
}

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartReply {
    /// Whether there are more parts.
    pub flags: MultipartFlags,
    /// What is answered.
    pub body: ReplyBody,
}

flags! {
    /// Whether there are more parts (`OFPMPF_*`).
    pub struct MultipartFlags(u16) {
        /// There are.
        MORE = 1;
    }
}

/// Declares what can be asked: the code, the types of question and answer.
///
/// ```ignore
/// multiparts! {
///     with_question { Standard 1 Flow(FlowStatsRequest) -> Vec<FlowStats>, "OFPST_FLOW"; }
///     without { Standard 0 Desc -> Box<Desc>, "OFPST_DESC"; }
/// }
/// ```
///
/// becomes the variants `RequestBody::Flow(FlowStatsRequest)`, `ReplyBody::Flow(Vec<FlowStats>)`,
/// `RequestBody::Desc` and `ReplyBody::Desc(Box<Desc>)`, their codec and names. A code twice is an
/// arm that cannot be reached, which does not compile.
macro_rules! multiparts {
    (
        with_question {
            $($space:ident $code:literal $asked:ident($question:ty) -> $answer:ty, $name:literal;)*
        }
        without {
            $($bare_space:ident $bare_code:literal $bare:ident -> $told:ty, $bare_name:literal;)*
        }
    ) => {
        /// What a multipart request asks.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum RequestBody {
            $(#[doc = concat!("`", $name, "`.")] $asked($question),)*
            $(#[doc = concat!("`", $bare_name, "`.")] $bare,)*
            /// A question that is not declared here.
            Unknown(Unknown),
        }

        /// What a multipart reply answers.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ReplyBody {
            $(#[doc = concat!("`", $name, "`.")] $asked($answer),)*
            $(#[doc = concat!("`", $bare_name, "`.")] $bare($told),)*
            /// An answer that is not declared here.
            Unknown(Unknown),
        }

        impl RequestBody {
            fn kind(&self) -> Kind {
                match self {
                    $(Self::$asked(_) => Kind::$space($code),)*
                    $(Self::$bare => Kind::$bare_space($bare_code),)*
                    Self::Unknown(unknown) => Kind::Standard(unknown.kind),
                }
            }

            fn encode(&self, out: &mut Writer) {
                match self {
                    $(Self::$asked(body) => body.encode(out),)*
                    $(Self::$bare => {})*
                    Self::Unknown(unknown) => out.put(&unknown.body),
                }
            }

            fn decode(kind: Kind, body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match kind {
                    $(Kind::$space($code) => Self::$asked(
                        <$question>::decode(body).map_err(|e| e.reading($name))?,
                    ),)*
                    $(Kind::$bare_space($bare_code) => Self::$bare,)*
                    _ => return Ok(None),
                }))
            }

            /// One of each question that is declared.
            pub(crate) fn samples() -> Vec<Self> {
                vec![$(Self::$asked(Sample::sample()),)* $(Self::$bare,)*]
            }

            /// What the body is called that begins with its code here.
            pub(crate) fn name_at(input: &mut Reader<'_>) -> Option<&'static str> {
                Some(match Prefix::decode(input).ok()?.kind {
                    $(Kind::$space($code) => concat!($name, " request"),)*
                    $(Kind::$bare_space($bare_code) => concat!($bare_name, " request"),)*
                    _ => return None,
                })
            }

            pub(crate) const fn name(&self) -> &'static str {
                match self {
                    $(Self::$asked(_) => concat!($name, " request"),)*
                    $(Self::$bare => concat!($bare_name, " request"),)*
                    Self::Unknown(_) => "unknown multipart request",
                }
            }
        }

        impl ReplyBody {
            fn kind(&self) -> Kind {
                match self {
                    $(Self::$asked(_) => Kind::$space($code),)*
                    $(Self::$bare(_) => Kind::$bare_space($bare_code),)*
                    Self::Unknown(unknown) => Kind::Standard(unknown.kind),
                }
            }

            fn encode(&self, out: &mut Writer) {
                match self {
                    $(Self::$asked(body) => body.encode(out),)*
                    $(Self::$bare(body) => body.encode(out),)*
                    Self::Unknown(unknown) => out.put(&unknown.body),
                }
            }

            fn decode(kind: Kind, body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match kind {
                    $(Kind::$space($code) => Self::$asked(
                        <$answer>::decode(body).map_err(|e| e.reading($name))?,
                    ),)*
                    $(Kind::$bare_space($bare_code) => Self::$bare(
                        <$told>::decode(body).map_err(|e| e.reading($bare_name))?,
                    ),)*
                    _ => return Ok(None),
                }))
            }

            /// One of each answer that is declared.
            pub(crate) fn samples() -> Vec<Self> {
                vec![
                    $(Self::$asked(Sample::sample()),)*
                    $(Self::$bare(Sample::sample()),)*
                ]
            }

            /// What the body is called that begins with its code here.
            pub(crate) fn name_at(input: &mut Reader<'_>) -> Option<&'static str> {
                Some(match Prefix::decode(input).ok()?.kind {
                    $(Kind::$space($code) => concat!($name, " reply"),)*
                    $(Kind::$bare_space($bare_code) => concat!($bare_name, " reply"),)*
                    _ => return None,
                })
            }

            pub(crate) const fn name(&self) -> &'static str {
                match self {
                    $(Self::$asked(_) => concat!($name, " reply"),)*
                    $(Self::$bare(_) => concat!($bare_name, " reply"),)*
                    Self::Unknown(_) => "unknown multipart reply",
                }
            }
        }
    };
}

multiparts! {
    with_question {
        Standard 1 Flow(FlowStatsRequest) -> Vec<FlowStats>, "OFPST_FLOW";
        Standard 2 Aggregate(FlowStatsRequest) -> AggregateStats, "OFPST_AGGREGATE";
        Standard 4 Port(PortStatsRequest) -> Vec<PortStats>, "OFPST_PORT";
        Standard 5 Queue(QueueStatsRequest) -> Vec<QueueStats>, "OFPST_QUEUE";
        Standard 6 Group(GroupStatsRequest) -> Vec<GroupStats>, "OFPST_GROUP";
        Standard 9 Meter(MeterRequest) -> Vec<MeterStats>, "OFPST_METER";
        Standard 10 MeterConfig(MeterRequest) -> Vec<Meter>, "OFPST_METER_CONFIG";
        Standard 12 TableFeatures(Vec<TableFeatures>) -> Vec<TableFeatures>, "OFPST_TABLE_FEATURES";
        Onf 1870 FlowMonitor(Vec<FlowMonitorRequest>) -> Vec<FlowUpdate>, "ONFST_FLOW_MONITOR";
    }
    without {
        Standard 0 Desc -> Box<Desc>, "OFPST_DESC";
        Standard 3 Table -> Vec<TableStats>, "OFPST_TABLE";
        Standard 7 GroupDesc -> Vec<Group>, "OFPST_GROUP_DESC";
        Standard 8 GroupFeatures -> GroupFeatures, "OFPST_GROUP_FEATURES";
        Standard 11 MeterFeatures -> MeterFeatures, "OFPST_METER_FEATURES";
        Standard 13 PortDesc -> Vec<Port>, "OFPST_PORT_DESC";
        Nicira 3 IpfixBridge -> IpfixStats, "NXST_IPFIX_BRIDGE";
        Nicira 4 IpfixFlow -> Vec<IpfixStats>, "NXST_IPFIX_FLOW";
    }
}

impl From<RequestBody> for MultipartRequest {
    /// A request in one part.
    fn from(body: RequestBody) -> Self {
        Self {
            flags: MultipartFlags::empty(),
            body,
        }
    }
}

impl From<ReplyBody> for MultipartReply {
    /// A reply in one part.
    fn from(body: ReplyBody) -> Self {
        Self {
            flags: MultipartFlags::empty(),
            body,
        }
    }
}

impl MultipartRequest {
    /// Asks for every flow of every table.
    #[must_use]
    pub fn all_flows() -> Self {
        RequestBody::Flow(FlowStatsRequest::all()).into()
    }

    /// Asks for every group.
    #[must_use]
    pub fn group_descriptions() -> Self {
        RequestBody::GroupDesc.into()
    }

    /// Asks for every port.
    #[must_use]
    pub fn port_descriptions() -> Self {
        RequestBody::PortDesc.into()
    }

    /// Asks to follow flows.
    #[must_use]
    pub fn flow_monitor(request: FlowMonitorRequest) -> Self {
        RequestBody::FlowMonitor(vec![request]).into()
    }
}

impl Wire for MultipartRequest {
    fn encode(&self, out: &mut Writer) {
        self.body.kind().encode(self.flags, out);
        self.body.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prefix = Prefix::decode(input)?;
        let body = match RequestBody::decode(prefix.kind, input)? {
            Some(body) => body,
            None => RequestBody::Unknown(prefix.unknown(input)),
        };
        Ok(Self {
            flags: prefix.flags,
            body,
        })
    }
}

impl Wire for MultipartReply {
    fn encode(&self, out: &mut Writer) {
        self.body.kind().encode(self.flags, out);
        self.body.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prefix = Prefix::decode(input)?;
        let body = match ReplyBody::decode(prefix.kind, input)? {
            Some(body) => body,
            None => ReplyBody::Unknown(prefix.unknown(input)),
        };
        Ok(Self {
            flags: prefix.flags,
            body,
        })
    }
}

/// The code of a question, by who defined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Standard(u16),
    Nicira(u32),
    Onf(u32),
}

/// The code that says that an experimenter and the experimenter's code follow.
const EXPERIMENTER: u16 = 0xffff;

impl Kind {
    fn encode(self, flags: MultipartFlags, out: &mut Writer) {
        let (number, experimenter) = match self {
            Self::Standard(number) => (number, None),
            Self::Nicira(code) => (EXPERIMENTER, Some([NICIRA, code])),
            Self::Onf(code) => (EXPERIMENTER, Some([ONF, code])),
        };
        number.encode(out);
        flags.encode(out);
        out.zeros(4);
        for word in experimenter.iter().flatten() {
            word.encode(out);
        }
    }
}

/// What stands before every question and answer.
struct Prefix<'a> {
    kind: Kind,
    number: u16,
    flags: MultipartFlags,
    /// All that follows the padding, the experimenter's code included.
    whole: Reader<'a>,
}

impl<'a> Prefix<'a> {
    fn decode(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let number = u16::decode(input).map_err(|e| e.reading("Multipart.type"))?;
        let flags = MultipartFlags::decode(input).map_err(|e| e.reading("Multipart.flags"))?;
        input.skip(4)?;
        let whole = input.clone();
        let kind = match number {
            EXPERIMENTER => {
                let what = "Multipart.experimenter";
                let experimenter = u32::decode(input).map_err(|e| e.reading(what))?;
                let code = u32::decode(input).map_err(|e| e.reading(what))?;
                match experimenter {
                    NICIRA => Kind::Nicira(code),
                    ONF => Kind::Onf(code),
                    _ => Kind::Standard(number),
                }
            }
            number => Kind::Standard(number),
        };
        Ok(Self {
            kind,
            number,
            flags,
            whole,
        })
    }

    fn unknown(&self, input: &mut Reader<'_>) -> Unknown {
        input.remainder();
        Unknown {
            kind: self.number,
            body: self.whole.clone().remainder(),
        }
    }
}

/// A question or answer that is not declared here, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The code; `0xffff` if an experimenter's number stands first in the body.
    pub kind: u16,
    /// What follows the flags and their padding.
    pub body: Bytes,
}

/// The body of an entry of a list, which begins with the length of the whole entry.
fn entry<'a>(input: &mut Reader<'a>, what: &'static str) -> Result<Reader<'a>, DecodeError> {
    let at = input.error(what, Problem::TooDeep);
    let length = usize::from(u16::decode(input).map_err(|e| e.reading(what))?);
    match length.checked_sub(2) {
        Some(left) => input.sub(left, what),
        None => Err(DecodeError {
            problem: Problem::BadLength { length },
            ..at
        }),
    }
}
