//! The fields that a flow matches on and that actions write.

mod mac;
pub mod value;

pub use mac::{InvalidMac, MacAddr};
pub use value::{
    CtState, EthType, GroupId, IpFrag, IpProto, MeterId, PacketType, PortNo, TcpFlags, TunFlags,
    Value, VlanVid,
};
