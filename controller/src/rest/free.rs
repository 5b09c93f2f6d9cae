//! Blocks of addresses that nobody has.

use ipnet::IpNet;

/// A block with a prefix of this length that is in one of `within` and meets none of `taken`.
///
/// It comes from the smallest free block that has room, so that large ones stay whole.
pub(super) fn block(within: &[IpNet], taken: &[IpNet], length: u8) -> Option<IpNet> {
    let mut free = Vec::new();
    for block in within {
        without(*block, taken, &mut free);
    }
    let room = free.into_iter();
    let room = room.filter(|block| block.prefix_len() <= length);
    let best = room.max_by_key(|block| (block.prefix_len(), std::cmp::Reverse(block.network())))?;
    best.subnets(length).ok()?.next()
}

/// What is left of a block, as blocks.
fn without(block: IpNet, taken: &[IpNet], free: &mut Vec<IpNet>) {
    if taken.iter().any(|taken| taken.contains(&block)) {
        return;
    }
    let inside: Vec<IpNet> = taken
        .iter()
        .copied()
        .filter(|taken| block.contains(taken))
        .collect();
    if inside.is_empty() {
        free.push(block);
        return;
    }
    let halves = block.subnets(block.prefix_len() + 1);
    for half in halves.into_iter().flatten() {
        without(half, &inside, free);
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::block;

    fn blocks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn found(within: &[&str], taken: &[&str], length: u8) -> Option<String> {
        let found = block(&blocks(within), &blocks(taken), length);
        found.map(|block| block.to_string())
    }

    #[test]
    fn the_smallest_block_with_room_is_cut() {
        let within = ["10.0.0.0/16", "10.9.0.0/26"];
        assert_eq!(found(&within, &[], 26).unwrap(), "10.9.0.0/26");
        assert_eq!(found(&within, &[], 24).unwrap(), "10.0.0.0/24");
        let taken = ["10.0.0.0/24", "10.9.0.0/27"];
        assert_eq!(found(&within, &taken, 24).unwrap(), "10.0.1.0/24");
        assert_eq!(found(&within, &taken, 27).unwrap(), "10.9.0.32/27");
    }

    #[test]
    fn a_pool_is_cut_until_nothing_is_left() {
        let within = blocks(&["10.0.0.0/24", "10.1.0.0/25"]);
        let mut taken = Vec::new();
        while let Some(next) = block(&within, &taken, 27) {
            assert!(!taken.contains(&next), "{next} twice");
            taken.push(next);
        }
        assert_eq!(taken.len(), 8 + 4);
        assert_eq!(
            found(&["fd00::/48"], &["fd00::/49"], 64).unwrap(),
            "fd00:0:0:8000::/64"
        );
        assert_eq!(found(&["10.0.0.0/24"], &["10.0.0.0/8"], 28), None);
        assert_eq!(found(&["10.0.0.0/24"], &[], 23), None);
    }
}
