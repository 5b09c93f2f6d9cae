//! `subnetpools/ID/add_prefixes` and `remove_prefixes`: blocks that come or go, the others stay.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use ipnet::IpNet;
use serde_json::{Map, json};

use super::attribute::{Doing, Values};
use super::call::Call;
use super::fault::Fault;
use super::resource::{Answer, Change, Resource, apply, check_revision, find, own};
use super::subnet::cidr;
use super::subnet_pool::{SubnetPools, may_move, prefixes};
use crate::northbound::database::Database;
use crate::northbound::database::tables::SubnetPool;

/// Answers a request for one of both.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    id: &str,
    action: &str,
) -> Result<Answer, Fault> {
    let adds = match action {
        "add_prefixes" => true,
        "remove_prefixes" => false,
        _ => return Err(Fault::not_found()),
    };
    if call.method != Method::PUT {
        return Err(Fault::method());
    }
    let document = call.document()?;
    let given = Values::read(
        SubnetPools::ATTRIBUTES,
        &document,
        Doing::Update,
        &call.caller,
    )?;
    let given = given.texts("prefixes").unwrap_or_default();
    let given = given.into_iter().map(|text| {
        let reason = || format!("'{}' is not a valid IP subnet", text.escape_debug());
        let block: Result<IpNet, _> = text.parse();
        block.map_err(|_| Fault::attribute("prefixes", &reason()))
    });
    let given: Vec<IpNet> = given.collect::<Result<_, _>>()?;
    apply(database, call, |change| {
        let pool = Arc::clone(own::<SubnetPools>(call, change.rows, id)?);
        check_revision::<SubnetPools>(change, &pool)?;
        let columns = match adds {
            true => with(change, &pool, &given)?,
            false => without(change, &pool, &given)?,
        };
        change.touch(&*pool, columns);
        Ok(())
    })
    .await?;
    let rows = database.snapshot();
    let left = prefixes(find::<SubnetPools>(call, &rows, id)?);
    Ok((StatusCode::OK, Some(json!({ "prefixes": left }))))
}

/// A pool with more blocks: as if all of them had been said.
fn with(
    change: &mut Change<'_>,
    pool: &Arc<SubnetPool>,
    given: &[IpNet],
) -> Result<ovsdb::Values<SubnetPool>, Fault> {
    let blocks: BTreeSet<IpNet> = prefixes(pool).into_iter().chain(given.to_vec()).collect();
    let object = Map::from_iter([("prefixes".to_owned(), json!(blocks))]);
    let caller = &change.call.caller;
    let values = Values::read(SubnetPools::ATTRIBUTES, &object, Doing::Update, caller)?;
    SubnetPools::update(change, pool, &values)
}

/// A pool without some of its addresses, of which no subnet may have any.
fn without(
    change: &Change<'_>,
    pool: &SubnetPool,
    given: &[IpNet],
) -> Result<ovsdb::Values<SubnetPool>, Fault> {
    may_move(change, pool)?;
    let cut = change.rows.subnets.index().by_subnet_pool.all(pool.uuid);
    for block in cut.filter_map(|subnet| cidr(subnet)) {
        let meets = |hole: &&IpNet| hole.contains(&block) || block.contains(*hole);
        if let Some(hole) = given.iter().find(meets) {
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "IllegalSubnetPoolPrefixUpdate",
                format!("Illegal update to prefixes: subnet {block} is allocated from {hole}."),
            ));
        }
    }
    let mut left = prefixes(pool);
    for hole in given {
        left = left.iter().flat_map(|block| around(*block, hole)).collect();
    }
    if left.is_empty() {
        let message = "Empty subnet pool prefix list.";
        let kind = "EmptySubnetPoolPrefixList";
        return Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    }
    let left = IpNet::aggregate(&left);
    let left = left.iter().map(ToString::to_string);
    Ok(SubnetPool::values().set(SubnetPool::prefixes, left.collect::<BTreeSet<_>>()))
}

/// What of a block is outside of another.
fn around(block: IpNet, hole: &IpNet) -> Vec<IpNet> {
    if hole.contains(&block) {
        return Vec::new();
    }
    if !block.contains(hole) {
        return vec![block];
    }
    let halves = block.subnets(block.prefix_len().saturating_add(1));
    let halves = halves.into_iter().flatten();
    halves.flat_map(|half| around(half, hole)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_block_is_in_halves() {
        let net = |text: &str| -> IpNet { text.parse().unwrap() };
        let left = around(net("10.0.0.0/8"), &net("10.64.0.0/10"));
        assert_eq!(left, [net("10.0.0.0/10"), net("10.128.0.0/9")]);
        assert_eq!(around(net("10.0.0.0/8"), &net("10.0.0.0/8")), []);
        assert_eq!(around(net("10.0.0.0/8"), &net("0.0.0.0/0")), []);
        let other = net("fd00::/8");
        assert_eq!(around(other, &net("10.0.0.0/8")), [other]);
        assert_eq!(around(net("::/0"), &net("::1/128")).len(), 128);
    }
}
