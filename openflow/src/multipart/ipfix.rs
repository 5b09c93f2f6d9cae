//! What the exporters of flow samples counted; an extension of Open vSwitch.

use crate::declare::wire_struct;

wire_struct! {
    /// What an exporter of flow samples (IPFIX) counted.
    pub struct IpfixStats {
        /// Flows seen.
        total_flows: u64;
        /// Flows that are kept now.
        current_flows: u64;
        /// Packets sampled.
        pkts: u64;
        /// IPv4 packets sampled.
        ipv4_pkts: u64;
        /// IPv6 packets sampled.
        ipv6_pkts: u64;
        /// Packets that could not be sampled.
        error_pkts: u64;
        /// IPv4 packets that could not be sampled.
        ipv4_error_pkts: u64;
        /// IPv6 packets that could not be sampled.
        ipv6_error_pkts: u64;
        /// Packets sent to collectors.
        tx_pkts: u64;
        /// Packets that could not be sent to collectors.
        tx_errors: u64;
        /// The set of collectors, if the exporter samples single flows.
        collector_set_id: u32, pad 4;
    }
}
