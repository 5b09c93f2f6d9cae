//! The messages of OpenFlow 1.3, with those that Open vSwitch adds.
//!
//! Each body is a structure in a file of its own, or with its kin. The table below says which code
//! it has on the wire; from it come the enum [`Message`], its codec and the names.
//!
//! A message that nothing here declares is kept as bytes, so that a session can refuse it in the
//! words of the protocol instead of losing its place in the stream.

mod async_config;
mod bundle;
mod config;
mod ct_flush;
mod echo;
mod error;
mod features;
mod flow_mod;
mod flow_monitor;
mod flow_removed;
mod group_mod;
mod hello;
mod meter_mod;
mod nxm;
mod packet_in;
mod packet_in2;
mod packet_in_format;
mod packet_out;
mod port;
mod property;
mod queue_config;
mod request_forward;
mod role;
mod table_mod;
mod tlv_table;

use bytes::Bytes;

pub use async_config::{AsyncConfig, AsyncKind, AsyncProperty, SetAsyncConfig2};
pub use bundle::{BundleAdd, BundleControl, BundleControlKind, BundleFlags};
pub use config::{Config, ConfigFlags};
pub use ct_flush::{CtFlush, CtFlushZone, CtProperty, CtTuple};
pub use echo::Echo;
pub use error::{Error, ErrorCode};
pub use features::{Capabilities, Features};
pub use flow_mod::{ALL_TABLES, FlowMod, FlowModCommand};
pub use flow_monitor::FlowMonitorCancel;
pub use flow_removed::{FlowRemoved, FlowRemovedReason};
pub use group_mod::{GroupMod, GroupModCommand};
pub use hello::Hello;
pub use meter_mod::{MeterMod, MeterModCommand};
pub use nxm::{NxFlowMod, NxFlowRemoved, NxPacketIn};
pub use packet_in::PacketIn;
pub use packet_in_format::{FlowModTableId, PacketInFormat, SetControllerId, SetPacketInFormat};
pub use packet_in2::PacketIn2;
pub use packet_out::{NO_BUFFER, PacketOut};
pub use port::{Port, PortConfig, PortFeatures, PortMod, PortReason, PortState, PortStatus};
pub use queue_config::{PacketQueue, QueueGetConfigReply, QueueGetConfigRequest};
pub use request_forward::RequestForward;
pub use role::{ControllerRole, NxControllerRole, NxRole, Role, RoleReason, RoleStatus};
pub use table_mod::TableMod;
pub use tlv_table::{TlvMap, TlvTableCommand, TlvTableMod, TlvTableReply};

pub use crate::multipart::{FlowMonitorRequest, FlowStats, MultipartReply, MultipartRequest};
use crate::multipart::{MultipartFlags, ReplyBody, RequestBody};
use crate::samples::Sample;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// The version that stands first in a message of OpenFlow 1.3.
pub const VERSION: u8 = 0x04;

/// Declares the messages: which code each has on the wire.
///
/// ```ignore
/// messages! {
///     own { Standard 14 FlowMod "OFPT_FLOW_MOD"; }
///     shared { Standard 2 EchoRequest(Echo) "OFPT_ECHO_REQUEST"; }
///     bare { Standard 20 BarrierRequest "OFPT_BARRIER_REQUEST"; }
/// }
/// ```
///
/// becomes the enum `Message`: with `FlowMod(FlowMod)`, and `From<FlowMod>`; with
/// `EchoRequest(Echo)`, a body that another row has too; and with `BarrierRequest`, which has none.
/// A code twice is an arm that cannot be reached, which does not compile.
macro_rules! messages {
    (
        own { $($space:ident $code:literal $own:ident $name:literal;)* }
        shared { $($shared_space:ident $shared_code:literal $shared:ident($body:ident) $shared_name:literal;)* }
        bare { $($bare_space:ident $bare_code:literal $bare:ident $bare_name:literal;)* }
    ) => {
        /// A message, without the number of its transaction.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Message {
            $(#[doc = concat!("`", $name, "`.")] $own($own),)*
            $(#[doc = concat!("`", $shared_name, "`.")] $shared($body),)*
            $(#[doc = concat!("`", $bare_name, "`.")] $bare,)*
            /// A message that is not declared here.
            Unknown(Unknown),
        }

        $(
            impl From<$own> for Message {
                fn from(body: $own) -> Self {
                    Self::$own(body)
                }
            }
        )*

        impl Message {
            fn encode_body(&self, out: &mut Writer) {
                match self {
                    $(Self::$own(body) => body.encode(out),)*
                    $(Self::$shared(body) => body.encode(out),)*
                    $(Self::$bare => {})*
                    Self::Unknown(unknown) => out.put(&unknown.body),
                }
            }

            fn kind(&self) -> Kind {
                match self {
                    $(Self::$own(_) => Kind::$space($code),)*
                    $(Self::$shared(_) => Kind::$shared_space($shared_code),)*
                    $(Self::$bare => Kind::$bare_space($bare_code),)*
                    Self::Unknown(unknown) => Kind::Standard(unknown.kind),
                }
            }

            fn decode_body(kind: Kind, body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match kind {
                    $(Kind::$space($code) => Self::$own(
                        $own::decode(body).map_err(|e| e.reading(stringify!($own)))?,
                    ),)*
                    $(Kind::$shared_space($shared_code) => Self::$shared(
                        $body::decode(body).map_err(|e| e.reading(stringify!($shared)))?,
                    ),)*
                    $(Kind::$bare_space($bare_code) => Self::$bare,)*
                    _ => return Ok(None),
                }))
            }

            /// One of each message that is declared.
            #[doc(hidden)]
            #[must_use]
            pub fn samples() -> Vec<Self> {
                let multiparts = RequestBody::samples()
                    .into_iter()
                    .map(|body| MultipartRequest::from(body).into())
                    .chain(ReplyBody::samples().into_iter().map(|body| {
                        MultipartReply::from(body).into()
                    }));
                [
                    $(<$own as Sample>::sample().into(),)*
                    $(Self::$shared(Sample::sample()),)*
                    $(Self::$bare,)*
                ]
                .into_iter()
                .chain(multiparts)
                .collect()
            }

            const fn name_of_kind(kind: Kind) -> Option<&'static str> {
                Some(match kind {
                    $(Kind::$space($code) => $name,)*
                    $(Kind::$shared_space($shared_code) => $shared_name,)*
                    $(Kind::$bare_space($bare_code) => $bare_name,)*
                    _ => return None,
                })
            }

            const fn row_name(&self) -> &'static str {
                match self {
                    $(Self::$own(_) => $name,)*
                    $(Self::$shared(_) => $shared_name,)*
                    $(Self::$bare => $bare_name,)*
                    Self::Unknown(_) => "unknown message",
                }
            }
        }
    };
}

messages! {
    own {
        Standard 0 Hello "OFPT_HELLO";
        Standard 1 Error "OFPT_ERROR";
        Standard 10 PacketIn "OFPT_PACKET_IN";
        Standard 11 FlowRemoved "OFPT_FLOW_REMOVED";
        Standard 12 PortStatus "OFPT_PORT_STATUS";
        Standard 13 PacketOut "OFPT_PACKET_OUT";
        Standard 14 FlowMod "OFPT_FLOW_MOD";
        Standard 15 GroupMod "OFPT_GROUP_MOD";
        Standard 16 PortMod "OFPT_PORT_MOD";
        Standard 17 TableMod "OFPT_TABLE_MOD";
        Standard 18 MultipartRequest "OFPT_MULTIPART_REQUEST";
        Standard 19 MultipartReply "OFPT_MULTIPART_REPLY";
        Standard 22 QueueGetConfigRequest "OFPT_QUEUE_GET_CONFIG_REQUEST";
        Standard 23 QueueGetConfigReply "OFPT_QUEUE_GET_CONFIG_REPLY";
        Standard 29 MeterMod "OFPT_METER_MOD";
        Nicira 13 NxFlowMod "NXT_FLOW_MOD";
        Nicira 14 NxFlowRemoved "NXT_FLOW_REMOVED";
        Nicira 15 FlowModTableId "NXT_FLOW_MOD_TABLE_ID";
        Nicira 16 SetPacketInFormat "NXT_SET_PACKET_IN_FORMAT";
        Nicira 17 NxPacketIn "NXT_PACKET_IN";
        Nicira 20 SetControllerId "NXT_SET_CONTROLLER_ID";
        Nicira 24 TlvTableMod "NXT_TLV_TABLE_MOD";
        Nicira 26 TlvTableReply "NXT_TLV_TABLE_REPLY";
        Nicira 27 SetAsyncConfig2 "NXT_SET_ASYNC_CONFIG2";
        Nicira 29 CtFlushZone "NXT_CT_FLUSH_ZONE";
        Nicira 32 CtFlush "NXT_CT_FLUSH";
        Onf 1870 FlowMonitorCancel "ONFT_FLOW_MONITOR_CANCEL";
        Onf 1911 RoleStatus "ONFT_ROLE_STATUS";
        Onf 2300 BundleControl "ONFT_BUNDLE_CONTROL";
        Onf 2301 BundleAdd "ONFT_BUNDLE_ADD_MESSAGE";
        Onf 2350 RequestForward "ONFT_REQUESTFORWARD";
    }
    shared {
        Standard 2 EchoRequest(Echo) "OFPT_ECHO_REQUEST";
        Standard 3 EchoReply(Echo) "OFPT_ECHO_REPLY";
        Standard 6 FeaturesReply(Features) "OFPT_FEATURES_REPLY";
        Standard 8 GetConfigReply(Config) "OFPT_GET_CONFIG_REPLY";
        Standard 9 SetConfig(Config) "OFPT_SET_CONFIG";
        Standard 24 RoleRequest(Role) "OFPT_ROLE_REQUEST";
        Standard 25 RoleReply(Role) "OFPT_ROLE_REPLY";
        Standard 27 GetAsyncReply(AsyncConfig) "OFPT_GET_ASYNC_REPLY";
        Standard 28 SetAsync(AsyncConfig) "OFPT_SET_ASYNC";
        Nicira 10 NxRoleRequest(NxRole) "NXT_ROLE_REQUEST";
        Nicira 11 NxRoleReply(NxRole) "NXT_ROLE_REPLY";
        Nicira 19 NxSetAsync(AsyncConfig) "NXT_SET_ASYNC_CONFIG";
        Nicira 28 Resume(PacketIn2) "NXT_RESUME";
        Nicira 30 PacketIn2(PacketIn2) "NXT_PACKET_IN2";
    }
    bare {
        Standard 5 FeaturesRequest "OFPT_FEATURES_REQUEST";
        Standard 7 GetConfigRequest "OFPT_GET_CONFIG_REQUEST";
        Standard 20 BarrierRequest "OFPT_BARRIER_REQUEST";
        Standard 21 BarrierReply "OFPT_BARRIER_REPLY";
        Standard 26 GetAsyncRequest "OFPT_GET_ASYNC_REQUEST";
        Nicira 18 FlowAge "NXT_FLOW_AGE";
        Nicira 25 TlvTableRequest "NXT_TLV_TABLE_REQUEST";
        Onf 1871 FlowMonitorPaused "ONFT_FLOW_MONITOR_PAUSED";
        Onf 1872 FlowMonitorResumed "ONFT_FLOW_MONITOR_RESUMED";
    }
}

impl Message {
    /// Appends the whole message, header included, with the transaction number `xid`.
    ///
    /// A message that is longer than its length field can say is reported by
    /// [`Writer::finish`].
    pub fn encode(&self, xid: u32, out: &mut Writer) {
        out.sized(2, 1, |out| {
            let kind = self.kind();
            out.put(&[VERSION, kind.number(), 0, 0]);
            xid.encode(out);
            kind.encode_experimenter(out);
            self.encode_body(out);
        });
    }

    /// Reads a whole message, header included; returns its transaction number with it.
    ///
    /// # Errors
    ///
    /// When the bytes are not one message of OpenFlow 1.3. Greetings and errors may be of any
    /// version, as they are how a version is agreed on.
    pub fn decode(frame: &Bytes) -> Result<(u32, Self), DecodeError> {
        Self::decode_with(Reader::new(frame))
    }

    /// As [`decode`](Self::decode), but [tolerant](Reader::tolerant): what a switch tells of others'
    /// flows need not be understood.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_tolerant(frame: &Bytes) -> Result<(u32, Self), DecodeError> {
        Self::decode_with(Reader::tolerant(frame))
    }

    fn decode_with(mut input: Reader<'_>) -> Result<(u32, Self), DecodeError> {
        let message = Self::read(&mut input)?;
        input.finish("Message")?;
        Ok(message)
    }

    /// What `ovs-ofctl` calls such a message.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MultipartRequest(request) => request.body.name(),
            Self::MultipartReply(reply) => reply.body.name(),
            _ => self.row_name(),
        }
    }

    /// What the message is called of which `bytes` are at least the start, whatever its body.
    pub(crate) fn name_of(bytes: &[u8]) -> Option<&'static str> {
        let header = Header::peek(bytes)?;
        let bytes = Bytes::copy_from_slice(bytes);
        let mut body = Reader::new(&bytes);
        body.skip(Header::LENGTH).ok()?;
        match Kind::decode(header.kind, &mut body).ok()? {
            Kind::Standard(18) => RequestBody::name_at(&mut body),
            Kind::Standard(19) => ReplyBody::name_at(&mut body),
            kind => Self::name_of_kind(kind),
        }
    }

    /// Whether a message is a part of a reply after which more come, as far as its start tells.
    pub(crate) fn more_follow(frame: &[u8]) -> bool {
        let is_reply = Header::peek(frame).is_some_and(|header| header.kind == 19);
        let flags = frame.get(10..12).and_then(|bytes| bytes.try_into().ok());
        let flags = flags.map_or(0, u16::from_be_bytes);
        is_reply && MultipartFlags::from_bits_retain(flags).contains(MultipartFlags::MORE)
    }

    /// Whether this is a part of a reply after which more come.
    #[must_use]
    pub fn has_more(&self) -> bool {
        matches!(self, Self::MultipartReply(reply) if reply.flags.contains(MultipartFlags::MORE))
    }

    /// Reads a message within another, in which it is called `what`, and leaves what follows it.
    fn read_inner(input: &mut Reader<'_>, what: &'static str) -> Result<(u32, Self), DecodeError> {
        let at = input.place(what);
        let header = Header::peek(input.peek()).ok_or_else(|| {
            let missing = Header::LENGTH - input.left().min(Header::LENGTH);
            at.error(Problem::Truncated { missing })
        })?;
        let length = usize::from(header.length);
        if length < Header::LENGTH || length > input.left() {
            return Err(at.error(Problem::BadLength { length }));
        }
        Self::read(input)
    }

    /// Reads a message and leaves what follows it.
    fn read(input: &mut Reader<'_>) -> Result<(u32, Self), DecodeError> {
        let at = input.error("Header", Problem::TooDeep);
        let bytes = input.array().map_err(|e| e.reading("Header"))?;
        let header = Header::from(bytes);
        let length = usize::from(header.length);
        let Some(left) = length.checked_sub(Header::LENGTH) else {
            return Err(DecodeError {
                offset: at.offset,
                ..header.bad_length()
            });
        };
        let whole = input.sub(left, "Message")?;
        let mut body = whole.clone();
        let kind = Kind::decode(header.kind, &mut body)?;
        if header.version != VERSION && !matches!(kind, Kind::Standard(0 | 1)) {
            let problem = Problem::BadValue {
                value: header.version.into(),
            };
            return Err(DecodeError {
                what: "Header.version",
                problem,
                ..at
            });
        }
        let message = match Self::decode_body(kind, &mut body)? {
            Some(message) => {
                body.finish(message.name())?;
                message
            }
            None => Self::Unknown(Unknown {
                kind: header.kind,
                body: whole.clone().remainder(),
            }),
        };
        Ok((header.xid, message))
    }
}

/// What stands before every message (section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the protocol.
    pub version: u8,
    /// The code of the message, `OFPT_*`.
    pub kind: u8,
    /// Bytes of the whole message, this header included.
    pub length: u16,
    /// The number of the transaction, which a reply repeats.
    pub xid: u32,
}

impl Header {
    /// Bytes of a header.
    pub const LENGTH: usize = 8;

    /// The error that this length, which is below the header's own, cannot be.
    #[must_use]
    pub fn bad_length(self) -> DecodeError {
        DecodeError {
            what: "Header.length",
            offset: 0,
            problem: Problem::BadLength {
                length: self.length.into(),
            },
        }
    }

    /// The header at the front of `bytes`, unless they are too few.
    #[must_use]
    pub fn peek(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self::from)
    }
}

impl From<[u8; 8]> for Header {
    fn from([version, kind, l0, l1, x0, x1, x2, x3]: [u8; 8]) -> Self {
        Self {
            version,
            kind,
            length: u16::from_be_bytes([l0, l1]),
            xid: u32::from_be_bytes([x0, x1, x2, x3]),
        }
    }
}

/// The code of a message, by who defined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Standard(u8),
    Nicira(u32),
    Onf(u32),
}

impl Kind {
    /// The code that says that an experimenter and the experimenter's code follow.
    const EXPERIMENTER: u8 = 4;

    const fn number(self) -> u8 {
        match self {
            Self::Standard(number) => number,
            Self::Nicira(_) | Self::Onf(_) => Self::EXPERIMENTER,
        }
    }

    fn encode_experimenter(self, out: &mut Writer) {
        match self {
            Self::Standard(_) => {}
            Self::Nicira(code) => [NICIRA, code].iter().for_each(|word| word.encode(out)),
            Self::Onf(code) => [ONF, code].iter().for_each(|word| word.encode(out)),
        }
    }

    fn decode(number: u8, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if number != Self::EXPERIMENTER {
            return Ok(Self::Standard(number));
        }
        let experimenter = u32::decode(body).map_err(|e| e.reading("Message.experimenter"))?;
        let code = u32::decode(body).map_err(|e| e.reading("Message.experimenter_type"))?;
        Ok(match experimenter {
            NICIRA => Self::Nicira(code),
            ONF => Self::Onf(code),
            _ => Self::Standard(number),
        })
    }
}

/// The experimenter number of Nicira, whose extensions are those of Open vSwitch.
pub(crate) const NICIRA: u32 = 0x0000_2320;

/// The experimenter number of the Open Networking Foundation, for parts of later versions in 1.3.
pub(crate) const ONF: u32 = 0x4f4e_4600;

/// A message that is not declared here, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The code; 4 if an experimenter's number stands first in the body.
    pub kind: u8,
    /// What follows the header.
    pub body: Bytes,
}

#[cfg(test)]
mod tests;
