//! Shows the agent what listeners and multicast routers say, and forwards it.
//!
//! Reports go to multicast routers only: with IGMPv1, IGMPv2 and MLDv1 a host that hears the report
//! of another keeps silent, and its port would be forgotten (RFC 4541, section 2.1.1). Queries go
//! where their destination says. Other hosts and physical networks get both, as multicast routers
//! may be there.
//!
//! The switch does not match the type of an IGMP message. So a message to a group is taken for a
//! query if it comes from a multicast router or from outside, and for a report otherwise.

use ipnet::IpNet;
use openflow::field::{ETH_TYPE, EthType, GroupId, IN_PORT, IP_PROTO, IpProto};

use super::{
    multicast_listeners::{self, listens},
    router_packet_in, to_listeners,
};
use crate::{
    link,
    registers::{AUDIENCE, LISTENS, NETWORK, ORIGIN_TABLE},
    site::LocalNetwork,
    subject::Subject,
    table::{Actions, DESTINATION, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 87,
    name: "MULTICAST_MESSAGES",
    purpose: "Shows the agent what listeners and multicast routers say, and forwards it.",
    next: &[
        &router_packet_in::TABLE,
        &multicast_listeners::TABLE,
        &TABLE,
        &to_listeners::TABLE,
    ],
    flows,
};

const FROM_ROUTER: u16 = 5;
const FROM_LISTENER: u16 = 4;
const OF_LINK: u16 = 3;
const FROM_OUTSIDE: u16 = 2;
const TO_GROUP: u16 = 1;
const MISS: u16 = 0;

/// The protocol of multicast routers among themselves (RFC 7761, section 4.9).
const PIM: IpProto = IpProto(103);

/// Starts a flow about one kind of message.
type Message = fn(Draft<'_>) -> Draft<'_>;

fn igmp(draft: Draft<'_>) -> Draft<'_> {
    let draft = draft.when(ETH_TYPE, EthType::IPV4);
    draft.when(IP_PROTO, IpProto::IGMP)
}

fn pim(draft: Draft<'_>) -> Draft<'_> {
    let draft = draft.when(ETH_TYPE, EthType::IPV4);
    draft.when(IP_PROTO, PIM)
}

fn pim_v6(draft: Draft<'_>) -> Draft<'_> {
    let draft = draft.when(ETH_TYPE, EthType::IPV6);
    draft.when(IP_PROTO, PIM)
}

fn mld_query(draft: Draft<'_>) -> Draft<'_> {
    link::icmpv6(draft, link::LISTENER_QUERY)
}

const MLD_REPORTS: [Message; 3] = [
    |draft| link::icmpv6(draft, link::LISTENER_REPORT),
    |draft| link::icmpv6(draft, link::LISTENER_DONE),
    |draft| link::icmpv6(draft, link::LISTENER_REPORT_V2),
];

/// Every message that the agent is shown.
pub(super) fn all() -> impl Iterator<Item = Message> {
    let others: [Message; 4] = [igmp, pim, pim_v6, mld_query];
    others.into_iter().chain(MLD_REPORTS)
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Network(network) if network.is_snooped() => {
            queries(*network, flows);
            reports(*network, flows);
        }
        _ => {}
    }
}

/// What is for all of a link, and queries about one group.
fn queries(network: LocalNetwork<'_>, flows: &mut Flows<'_>) {
    let everyone = GroupId(network.vlan.into());
    let listeners = to_listeners::group(network);
    let general = of(network, OF_LINK, igmp, flows);
    show(general.when_in(DESTINATION, link::ALL_HOSTS_V4.into())).group(everyone);
    let to_all: [(Message, IpNet); 3] = [
        (pim, link::GROUPS_OF_LINK_V4.into()),
        (pim_v6, link::GROUPS_OF_LINK_V6.into()),
        (mld_query, link::GROUPS_OF_LINK_V6.into()),
    ];
    for (message, block) in to_all {
        let message = of(network, OF_LINK, message, flows);
        show(message.when_in(DESTINATION, block)).group(everyone);
    }
    show(of(network, TO_GROUP, mld_query, flows)).group(listeners);
}

/// Reports, and what cannot be told from them.
fn reports(network: LocalNetwork<'_>, flows: &mut Flows<'_>) {
    let listeners = to_listeners::group(network);
    for report in MLD_REPORTS {
        show(of(network, TO_GROUP, report, flows))
            .set(AUDIENCE, to_listeners::ROUTERS)
            .group(listeners);
    }
    if let Some(patch) = network.uplink() {
        let from_outside = of(network, FROM_OUTSIDE, igmp, flows);
        from_outside.when(IN_PORT, patch).group(listeners);
    }
    show(of(network, TO_GROUP, igmp, flows))
        .set(AUDIENCE, to_listeners::BY_SENDER)
        .then(|actions| actions.resubmit(&multicast_listeners::TABLE))
        .resubmit(&TABLE);
    by_sender(network, FROM_ROUTER, flows)
        .when(LISTENS, listens::YES)
        .set(AUDIENCE, to_listeners::LISTENERS)
        .set(LISTENS, listens::NOT_ASKED)
        .group(listeners);
    by_sender(network, FROM_LISTENER, flows)
        .set(AUDIENCE, to_listeners::ROUTERS)
        .set(LISTENS, listens::NOT_ASKED)
        .group(listeners);
}

/// What its sender decides, after that has been looked up.
fn by_sender<'a>(network: LocalNetwork<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    let message = flows.at(priority).when(NETWORK, network.vlan.into());
    message.when(AUDIENCE, to_listeners::BY_SENDER)
}

fn of<'a>(
    network: LocalNetwork<'_>,
    priority: u16,
    message: Message,
    flows: &'a mut Flows<'_>,
) -> Draft<'a> {
    message(flows.at(priority).when(NETWORK, network.vlan.into()))
}

/// Shows a message to the agent, within the limits of the port that sent it.
fn show(message: Draft<'_>) -> Draft<'_> {
    let message = message.set(ORIGIN_TABLE, TABLE.number.into());
    message.then(|actions: Actions| actions.resubmit(&router_packet_in::TABLE))
}
