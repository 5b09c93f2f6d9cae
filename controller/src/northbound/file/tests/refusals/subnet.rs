//! What subnets offer.

use super::*;

#[test]
fn what_a_subnet_offers_that_makes_no_sense() {
    refuses_network(
        "network_type: local, subnets: [{cidr: 10.0.0.0/24, enable_dhcp: §maybe}]",
        "subnets[0].enable_dhcp: found \"maybe\", expected true or false",
    );
    refuses_network(
        "network_type: local, subnets: [{cidr: 10.0.0.0/24, ipv6_ra_mode: §radvd}]",
        "subnets[0].ipv6_ra_mode: \"radvd\" is unknown, expected slaac, dhcpv6-stateful or \
         dhcpv6-stateless",
    );
    refuses_network(
        "network_type: local, subnets: [{cidr: 10.0.0.0/24, host_routes: [{destination: 0.0.0.0/0, nexthop: §\"::1\"}]}]",
        "subnets[0].host_routes[0].nexthop: \"0.0.0.0/0 ::1\" is unknown, expected a route such \
         as 198.51.100.0/24 10.0.0.7",
    );
}
