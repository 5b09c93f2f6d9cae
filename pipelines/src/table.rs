//! What a pipeline is made of: tables in the order in which packets meet them.
//!
//! A table is declared by the module that writes its flows, and its number stands nowhere else.
//! Packets only move forward, so a pipeline has no loops but those that it names; what a table may
//! continue in is checked when the crate is compiled, and that each flow keeps to it, when the flow
//! is made.

mod draft;

use std::fmt::Write;

use ipnet::IpNet;
use openflow::{
    field::{CtState, ETH_TYPE, Field, IPV4_DST, IPV4_SRC, IPV6_DST, IPV6_SRC},
    matching::Match,
};

pub(crate) use draft::{Actions, Draft, Flows, Translation};

use crate::{network::Ethertype, subject::Subject};

/// One OpenFlow table.
pub struct Table {
    /// Its number.
    pub number: u8,
    /// Its name, as OVSDB's `Flow_Table.name` takes it.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub purpose: &'static str,
    /// The only tables that its flows may continue in.
    pub next: &'static [&'static Self],
    pub(crate) flows: fn(&Subject<'_>, &mut Flows<'_>),
}

/// The tables of a kind of bridge, in the order in which packets meet them.
pub struct Pipeline {
    /// The name that the bridge usually has.
    pub bridge: &'static str,
    tables: &'static [&'static Table],
}

impl Pipeline {
    /// Checks the list: a pipeline that goes backwards, or has a number twice, does not compile.
    ///
    /// A table may name itself, to look again at a packet that it has changed. `back` are the
    /// tables that may name an earlier one, and those.
    pub(crate) const fn new(
        bridge: &'static str,
        tables: &'static [&'static Table],
        back: &[(&Table, &Table)],
    ) -> Self {
        let mut left = tables;
        while let [table, rest @ ..] = left {
            assert!(!contains(rest, table.number), "a table is listed twice");
            let mut next = table.next;
            while let [target, others @ ..] = next {
                assert!(
                    target.number == table.number
                        || contains(rest, target.number)
                        || goes_back(back, table.number, target.number),
                    "a flow may only move forward in the list"
                );
                next = others;
            }
            left = rest;
        }
        Self { bridge, tables }
    }

    /// The tables, in order.
    pub fn tables(&self) -> &'static [&'static Table] {
        self.tables
    }

    /// The tables as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out =
            String::from("| table | name | purpose | continues in |\n|---:|---|---|---|\n");
        for Table {
            number,
            name,
            purpose,
            next,
            ..
        } in self.tables
        {
            let next: Vec<_> = next.iter().map(|table| table.number.to_string()).collect();
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "| {number} | {name} | {purpose} | {} |",
                next.join(", ")
            );
        }
        out
    }
}

const fn goes_back(back: &[(&Table, &Table)], from: u8, to: u8) -> bool {
    let mut left = back;
    while let [(later, earlier), rest @ ..] = left {
        if later.number == from && earlier.number == to {
            return true;
        }
        left = rest;
    }
    false
}

const fn contains(tables: &[&Table], number: u8) -> bool {
    let mut left = tables;
    while let [table, rest @ ..] = left {
        if table.number == number {
            return true;
        }
        left = rest;
    }
    false
}

/// A state of the connection tracker: bits that are set and bits that are not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) value: CtState,
    pub(crate) mask: CtState,
}

/// The fields that hold one end of a packet's way.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    v4: Field<std::net::Ipv4Addr>,
    v6: Field<std::net::Ipv6Addr>,
}

/// Where a packet comes from.
pub(crate) const SOURCE: Addresses = Addresses {
    v4: IPV4_SRC,
    v6: IPV6_SRC,
};
/// Where a packet goes to.
pub(crate) const DESTINATION: Addresses = Addresses {
    v4: IPV4_DST,
    v6: IPV6_DST,
};

impl Addresses {
    /// Adds the condition that the packet is of the block's version of IP, and the end inside it.
    pub(crate) fn within(self, matching: Match, block: IpNet) -> Match {
        let matching = matching.with(ETH_TYPE, Ethertype::of(block).into());
        match block {
            IpNet::V4(block) => matching.masked(self.v4, block.network(), block.netmask()),
            IpNet::V6(block) => matching.masked(self.v6, block.network(), block.netmask()),
        }
    }
}
