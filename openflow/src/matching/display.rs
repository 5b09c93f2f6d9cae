//! The text of a match, as `ovs-ofctl` prints it.

use std::fmt::{self, Display, Formatter};

use super::{Condition, Masked, Match};
use crate::field::format::{Hex, flag_name, fragment, named_flags};
use crate::field::*;
use crate::names::Names;

impl Match {
    /// The text of the match, with ports by the names that `names` gives them.
    #[must_use]
    pub const fn display_with<'a>(&'a self, names: &'a Names) -> DisplayMatch<'a> {
        DisplayMatch {
            matching: self,
            names,
        }
    }
}

impl Display for Match {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.display_with(&Names::NONE).fmt(f)
    }
}

/// The text of a match; from [`Match::display_with`].
#[derive(Clone, Copy, Debug)]
pub struct DisplayMatch<'a> {
    matching: &'a Match,
    names: &'a Names,
}

impl Display for DisplayMatch<'_> {
    /// Writes the conditions in the order and with the abbreviations of `ovs-ofctl`.
    ///
    /// The order is fixed, and differs from that on the wire. The Ethernet type and the protocol
    /// become one word (`tcp6`) where there is one; which of them are printed as numbers, and
    /// under which names the rest appears, depends on the Ethernet type and the protocol.
    ///
    /// `ovs-ofctl` leaves out some conditions and some masks, so that matches of different packets
    /// look alike. They are said here, as it would read them: that a packet is a frame (`eth`), the
    /// masks of `tun_gbp_flags`, `tun_erspan_idx` and options of tunnels, and fields that mean
    /// something only with others that are not asked for.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut list = List {
            matching: Present::of(self.matching),
            names: self.names,
            comma: "",
            f,
        };
        let protocol = Protocol::of(self.matching);
        list.hexadecimal(PKT_MARK, "pkt_mark")?;
        list.hexadecimal(RECIRC_ID, "recirc_id")?;
        list.hexadecimal(DP_HASH, "dp_hash")?;
        list.plain(CONJ_ID, "conj_id")?;
        list.plain(ACTSET_OUTPUT, "actset_output")?;
        list.ct_state()?;
        list.decimal(CT_ZONE, "ct_zone")?;
        list.hexadecimal(CT_MARK, "ct_mark")?;
        list.hexadecimal(CT_LABEL, "ct_label")?;
        list.plain(CT_NW_SRC, "ct_nw_src")?;
        list.plain(CT_IPV6_SRC, "ct_ipv6_src")?;
        list.plain(CT_NW_DST, "ct_nw_dst")?;
        list.plain(CT_IPV6_DST, "ct_ipv6_dst")?;
        list.plain(CT_NW_PROTO, "ct_nw_proto")?;
        list.decimal(CT_TP_SRC, "ct_tp_src")?;
        list.decimal(CT_TP_DST, "ct_tp_dst")?;
        list.packet_type()?;
        if let Some(word) = protocol.word {
            list.word(word)?;
        }
        for (register, name) in registers() {
            list.hexadecimal(register, name)?;
        }
        list.tunnel()?;
        list.hexadecimal(METADATA, "metadata")?;
        list.in_port()?;
        list.vlan()?;
        list.plain(ETH_SRC, "dl_src")?;
        list.plain(ETH_DST, "dl_dst")?;
        match self.matching.value(ETH_TYPE) {
            Some(eth_type) if protocol.prints_eth_type => list.item("dl_type", eth_type)?,
            _ => {}
        }
        list.network(protocol)?;
        list.mpls()?;
        list.transport()?;
        list.unknown()
    }
}

/// What of the Ethernet type and the protocol is said by a word, and what by numbers.
#[derive(Clone, Copy, Debug)]
struct Protocol {
    word: Option<&'static str>,
    prints_eth_type: bool,
    prints_proto: bool,
}

impl Protocol {
    fn of(matching: &Match) -> Self {
        let proto = matching.value(IP_PROTO);
        let (word, whole) = match (matching.eth_type(), proto) {
            (Some(EthType::IPV4), Some(IpProto::ICMP)) => ("icmp", true),
            (Some(EthType::IPV4), Some(IpProto::TCP)) => ("tcp", true),
            (Some(EthType::IPV4), Some(IpProto::UDP)) => ("udp", true),
            (Some(EthType::IPV4), Some(IpProto::SCTP)) => ("sctp", true),
            (Some(EthType::IPV4), _) => ("ip", false),
            (Some(EthType::IPV6), Some(IpProto::ICMPV6)) => ("icmp6", true),
            (Some(EthType::IPV6), Some(IpProto::TCP)) => ("tcp6", true),
            (Some(EthType::IPV6), Some(IpProto::UDP)) => ("udp6", true),
            (Some(EthType::IPV6), Some(IpProto::SCTP)) => ("sctp6", true),
            (Some(EthType::IPV6), _) => ("ipv6", false),
            (Some(EthType::ARP), _) => ("arp", false),
            (Some(EthType::RARP), _) => ("rarp", false),
            (Some(EthType::MPLS), _) => ("mpls", false),
            (Some(EthType::MPLS_MULTICAST), _) => ("mplsm", false),
            _ => ("", false),
        };
        // A packet that starts with its Ethernet type has no field `eth_type` to abbreviate.
        let word = (!word.is_empty() && matching.value(ETH_TYPE).is_some()).then_some(word);
        Self {
            word,
            prints_eth_type: word.is_none(),
            prints_proto: !(whole && word.is_some()),
        }
    }
}

fn registers() -> [(Field<u32>, &'static str); 32] {
    [
        REG0, REG1, REG2, REG3, REG4, REG5, REG6, REG7, REG8, REG9, REG10, REG11, REG12, REG13,
        REG14, REG15, REG16, REG17, REG18, REG19, REG20, REG21, REG22, REG23, REG24, REG25, REG26,
        REG27, REG28, REG29, REG30, REG31,
    ]
    .map(|register| (register, register.id().name()))
}

/// The conditions of a match, of which most that are asked for are not there.
#[derive(Clone, Copy)]
struct Present<'a> {
    matching: &'a Match,
    /// A bit for each field, which few others share.
    fields: u64,
}

impl<'a> Present<'a> {
    fn of(matching: &'a Match) -> Self {
        let bits = matching
            .iter()
            .map(|condition| Self::bit(condition.header.number));
        let fields = bits.fold(0, |fields, bit| fields | bit);
        Self { matching, fields }
    }

    const fn bit(number: u8) -> u64 {
        1 << (number & 63)
    }

    fn condition(self, field: FieldId) -> Option<Condition<'a>> {
        if self.fields & Self::bit(field.oxm().number) == 0 {
            return None;
        }
        self.matching.condition(field)
    }

    fn get<T: Value>(self, field: Field<T>) -> Option<Masked<T>> {
        self.condition(field.id())?.typed()
    }

    fn value<T: Value>(self, field: Field<T>) -> Option<T> {
        T::from_bytes(self.condition(field.id())?.value)
    }
}

/// Writes conditions with commas between them.
struct List<'a, 'f> {
    matching: Present<'a>,
    names: &'a Names,
    comma: &'static str,
    f: &'a mut Formatter<'f>,
}

impl List<'_, '_> {
    fn word(&mut self, word: impl Display) -> fmt::Result {
        write!(self.f, "{}{word}", self.comma)?;
        self.comma = ",";
        Ok(())
    }

    fn item(&mut self, name: &str, value: impl Display) -> fmt::Result {
        self.word(format_args!("{name}={value}"))
    }

    /// The condition on `field`, written as in lists of fields.
    fn plain<T: Value>(&mut self, field: Field<T>, name: &str) -> fmt::Result {
        match self.matching.condition(field.id()) {
            None => Ok(()),
            Some(condition) => self.item(name, Formatted(field.id(), condition, self.names)),
        }
    }

    /// A number in tens, or under a mask in hexadecimal.
    fn decimal(&mut self, field: Field<u16>, name: &str) -> fmt::Result {
        match self.matching.get(field) {
            None => Ok(()),
            Some(Masked { value, mask: None }) => self.item(name, value),
            Some(Masked {
                value,
                mask: Some(mask),
            }) => self.item(name, format_args!("{value:#x}/{mask:#x}")),
        }
    }

    fn hexadecimal<T: Value>(&mut self, field: Field<T>, name: &str) -> fmt::Result {
        let Some(Condition { value, mask, .. }) = self.matching.condition(field.id()) else {
            return Ok(());
        };
        match mask {
            None => self.item(name, Hex(value)),
            Some(mask) => self.item(name, format_args!("{}/{}", Hex(value), Hex(mask))),
        }
    }

    fn ct_state(&mut self) -> fmt::Result {
        let Some(state) = self.matching.get(CT_STATE) else {
            return Ok(());
        };
        let all = CtState::all();
        let mask = state.mask.unwrap_or(all) & all;
        self.item("ct_state", Flags(state.value, mask, all))
    }

    /// What the packet starts with, unless it is Ethernet; that is said only of packets within the
    /// datapath.
    fn packet_type(&mut self) -> fmt::Result {
        let matching = self.matching;
        let inside = matching.value(RECIRC_ID).is_some();
        let mut needs = matching
            .matching
            .iter()
            .filter_map(|c| Some(c.field()?.needs()));
        match matching.value(PACKET_TYPE) {
            Some(PacketType::ETHERNET) => self.word("eth"),
            None => {
                if inside && needs.any(|need| need != Need::Nothing) {
                    return self.word("eth");
                }
                Ok(())
            }
            Some(other) => self.item("packet_type", other),
        }
    }

    fn in_port(&mut self) -> fmt::Result {
        match self.matching.value(IN_PORT) {
            None => Ok(()),
            Some(port) => self.item("in_port", self.names.port(port)),
        }
    }

    fn tunnel(&mut self) -> fmt::Result {
        self.hexadecimal(TUN_ID, "tun_id")?;
        self.plain(TUN_SRC, "tun_src")?;
        self.plain(TUN_DST, "tun_dst")?;
        self.plain(TUN_IPV6_SRC, "tun_ipv6_src")?;
        self.plain(TUN_IPV6_DST, "tun_ipv6_dst")?;
        self.decimal(TUN_GBP_ID, "tun_gbp_id")?;
        self.plain(TUN_GBP_FLAGS, "tun_gbp_flags")?;
        // The masks of what follows are the values, but for the index.
        self.unmasked(TUN_ERSPAN_VER, "tun_erspan_ver")?;
        self.plain(TUN_ERSPAN_IDX, "tun_erspan_idx")?;
        self.unmasked(TUN_ERSPAN_DIR, "tun_erspan_dir")?;
        self.unmasked(TUN_ERSPAN_HWID, "tun_erspan_hwid")?;
        self.unmasked(TUN_GTPU_FLAGS, "gtpu_flags")?;
        self.unmasked(TUN_GTPU_MSGTYPE, "gtpu_msgtype")?;
        if let Some(flags) = self.matching.get(TUN_FLAGS) {
            // OVS knows flags that no mask can name, and so never takes these for all.
            let full = TunFlags::from_bits_retain(0xffff);
            self.item("tun_flags", Flags(flags.value, TunFlags::OAM, full))?;
        }
        self.tunnel_options()
    }

    fn tunnel_options(&mut self) -> fmt::Result {
        let options = TUN_METADATA0.id()..=TUN_METADATA63.id();
        for condition in self.matching.matching {
            let Some(field) = condition.field().filter(|field| options.contains(field)) else {
                continue;
            };
            match condition.mask {
                None => self.item(field.name(), Hex(condition.value))?,
                // That the option is there is all that is asked for.
                Some([]) => self.word(field)?,
                Some(mask) => {
                    let masked = format_args!("{}/{}", Hex(condition.value), Hex(mask));
                    self.word(format_args!("{field}={masked}"))?;
                }
            }
        }
        Ok(())
    }

    /// The value alone, even if a mask leaves some of it out.
    fn unmasked<T: Value>(&mut self, field: Field<T>, name: &str) -> fmt::Result {
        match self.matching.condition(field.id()) {
            None => Ok(()),
            Some(condition) => {
                let bare = Condition {
                    mask: None,
                    ..condition
                };
                self.item(name, Formatted(field.id(), bare, self.names))
            }
        }
    }

    /// The tag: its number and priority, or all 16 bits where these cannot say it.
    fn vlan(&mut self) -> fmt::Result {
        const FULL: u16 = 0x1fff;
        let priority = self.matching.value(VLAN_PCP);
        let number = self
            .matching
            .get(VLAN_VID)
            .map(|vid| (vid.value.0, vid.mask.map_or(FULL, |mask| mask.0)));
        match (number, priority) {
            (Some((vid, mask)), priority)
                if VlanVid(vid & mask).is_tagged()
                    && (mask == FULL || mask == VlanVid::PRESENT.0 && priority.is_some()) =>
            {
                if mask == FULL {
                    self.item("dl_vlan", VlanVid(vid).vid())?;
                }
                match priority {
                    None => Ok(()),
                    Some(priority) => self.item("dl_vlan_pcp", priority),
                }
            }
            (None, None) => match self.matching.get(VLAN_TCI) {
                None => Ok(()),
                Some(tci) => self.tci(tci.value, tci.mask.unwrap_or(u16::MAX)),
            },
            (number, priority) => {
                let (vid, mask) = number.unwrap_or_default();
                let high = |priority: u8| u16::from(priority) << 13;
                let mask = mask | high(priority.map_or(0, |_| 7));
                self.tci(vid | high(priority.unwrap_or_default()), mask)
            }
        }
    }

    fn tci(&mut self, tci: u16, mask: u16) -> fmt::Result {
        match mask {
            u16::MAX => self.item("vlan_tci", format_args!("0x{tci:04x}")),
            mask => self.item("vlan_tci", format_args!("0x{tci:04x}/0x{mask:04x}")),
        }
    }

    /// The addresses and what else the Ethernet type gives meaning to, up to the time to live.
    fn network(&mut self, protocol: Protocol) -> fmt::Result {
        self.plain(IPV6_SRC, "ipv6_src")?;
        self.plain(IPV6_DST, "ipv6_dst")?;
        if let Some(label) = self.matching.get(IPV6_LABEL) {
            match label.mask {
                None => self.item("ipv6_label", format_args!("0x{:05x}", label.value))?,
                Some(mask) => {
                    let value = label.value;
                    self.item("ipv6_label", format_args!("0x{value:05x}/0x{mask:05x}"))?;
                }
            }
        }
        self.plain(ARP_SPA, "arp_spa")?;
        self.plain(ARP_TPA, "arp_tpa")?;
        self.nsh()?;
        self.plain(IPV4_SRC, "nw_src")?;
        self.plain(IPV4_DST, "nw_dst")?;
        if protocol.prints_proto {
            self.plain(IP_PROTO, "nw_proto")?;
        }
        self.plain(ARP_OP, "arp_op")?;
        self.plain(ARP_SHA, "arp_sha")?;
        self.plain(ARP_THA, "arp_tha")?;
        if let Some(dscp) = self.matching.value(IP_DSCP) {
            self.item("nw_tos", dscp << 2)?;
        }
        self.plain(IP_ECN, "nw_ecn")?;
        self.plain(IP_TTL, "nw_ttl")
    }

    fn nsh(&mut self) -> fmt::Result {
        self.nsh_number(NSH_FLAGS, "nsh_flags")?;
        self.nsh_number(NSH_TTL, "nsh_ttl")?;
        self.nsh_number(NSH_MDTYPE, "nsh_mdtype")?;
        self.nsh_number(NSH_NP, "nsh_np")?;
        self.spi()?;
        self.nsh_number(NSH_SI, "nsh_si")?;
        for context in [NSH_C1, NSH_C2, NSH_C3, NSH_C4] {
            self.context(context)?;
        }
        Ok(())
    }

    fn nsh_number(&mut self, field: Field<u8>, name: &str) -> fmt::Result {
        match self.matching.get(field) {
            None => Ok(()),
            Some(Masked { value, mask: None }) => self.item(name, value),
            Some(Masked {
                value,
                mask: Some(mask),
            }) => self.item(name, format_args!("0x{value:02x}/0x{mask:02x}")),
        }
    }

    fn spi(&mut self) -> fmt::Result {
        self.context(NSH_SPI)
    }

    /// A number with `0x` before it, be it 0.
    fn context(&mut self, field: Field<u32>) -> fmt::Result {
        match self.matching.get(field) {
            None => Ok(()),
            Some(Masked { value, mask: None }) => {
                self.item(field.id().name(), format_args!("{value:#x}"))
            }
            Some(Masked {
                value,
                mask: Some(mask),
            }) => self.item(field.id().name(), format_args!("{value:#x}/{mask:#x}")),
        }
    }

    fn mpls(&mut self) -> fmt::Result {
        self.plain(MPLS_LABEL, "mpls_label")?;
        self.plain(MPLS_TC, "mpls_tc")?;
        self.plain(MPLS_TTL, "mpls_ttl")?;
        self.plain(MPLS_BOS, "mpls_bos")
    }

    /// Fragments, ports and messages. Every protocol's ports are called `tp_src` and `tp_dst`.
    fn transport(&mut self) -> fmt::Result {
        if let Some(frag) = self.matching.get(IP_FRAG) {
            let mask = frag.mask.map_or(0xff, |mask| mask.bits());
            self.item("nw_frag", fragment(frag.value.bits().into(), mask.into()))?;
        }
        for (field, name) in [(ICMPV4_TYPE, "icmp_type"), (ICMPV4_CODE, "icmp_code")] {
            self.plain(field, name)?;
        }
        for (field, name) in [(ICMPV6_TYPE, "icmp_type"), (ICMPV6_CODE, "icmp_code")] {
            self.plain(field, name)?;
        }
        self.plain(ND_TARGET, "nd_target")?;
        self.plain(ND_SLL, "nd_sll")?;
        self.plain(ND_TLL, "nd_tll")?;
        self.plain(ND_RESERVED, "nd_reserved")?;
        self.plain(ND_OPTIONS_TYPE, "nd_options_type")?;
        for source in [TCP_SRC, UDP_SRC, SCTP_SRC] {
            self.decimal(source, "tp_src")?;
        }
        for destination in [TCP_DST, UDP_DST, SCTP_DST] {
            self.decimal(destination, "tp_dst")?;
        }
        match self.matching.get(TCP_FLAGS) {
            None => Ok(()),
            Some(flags) => {
                let full = TcpFlags::from_bits_retain(0xfff);
                let mask = flags.mask.unwrap_or(full);
                self.item("tcp_flags", Flags(flags.value, mask, full))
            }
        }
    }

    /// Fields that nobody declared, which `ovs-ofctl` refuses: the header, value and mask.
    fn unknown(&mut self) -> fmt::Result {
        let matching = self.matching.matching;
        for condition in matching
            .iter()
            .filter(|condition| condition.field().is_none())
        {
            let Header {
                class,
                number,
                experimenter,
                ..
            } = condition.header;
            let name = format_args!("oxm{class:04x}:{experimenter:08x}:{number}");
            let value = Hex(condition.value);
            match condition.mask {
                None => self.word(format_args!("{name}={value}"))?,
                Some(mask) => self.word(format_args!("{name}={value}/{}", Hex(mask)))?,
            }
        }
        Ok(())
    }
}

/// A condition in the general form of its field.
struct Formatted<'a>(FieldId, Condition<'a>, &'a Names);

impl Display for Formatted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(field, condition, names) = self;
        field
            .format()
            .write(condition.value, condition.mask, names, f)
    }
}

/// Flags, the mask of those that count, and the mask of all.
struct Flags<T>(T, T, T);

impl<T> Display for Flags<T>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(value, mask, full) = self;
        let bits = |flags: &T| flags.bits().into();
        named_flags(bits(value), bits(mask), bits(full), flag_name::<T>, f)
    }
}
