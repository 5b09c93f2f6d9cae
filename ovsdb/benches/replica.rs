//! What a replica of many rows costs: to read, to keep up, to compare after a reconnection.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ovsdb::Uuid;
use ovsdb::jsonrpc::Framer;
use ovsdb::replica::Replica;
use serde_json::value::RawValue;

ovsdb::tables! {
    /// One table.
    pub database Db = "Db", changes DbChanges;

    /// Of the size of an interface with a few marks.
    table ports: Port = "Port" {
        /// A name.
        name: String;
        /// A number.
        number: i64;
        /// Marks.
        external_ids: BTreeMap<String, String>;
    } index {
        /// By name.
        by_name: String = |row| [row.name.clone()];
    }
}

fn uuid(number: u128) -> Uuid {
    // Spread like the random UUIDs of a server.
    Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// The first rows of a monitor, as the server writes them.
fn rows(count: u128) -> Box<RawValue> {
    let mut json = String::from(r#"{"Port":{"#);
    for number in 0..count {
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(
            json,
            r#"{separator}"{}":{{"initial":{{"name":"tap{number:08x}","number":{number},"#,
            uuid(number)
        );
        let _ = write!(
            json,
            r#""external_ids":["map",[["attached-mac","fa:16:3e:00:00:01"],"#
        );
        let _ = write!(
            json,
            r#"["iface-id","{}"],["iface-status","active"]]]}}}}"#,
            uuid(number)
        );
    }
    json.push_str("}}");
    RawValue::from_string(json).expect("the text is JSON")
}

fn modification(row: u128, number: u32) -> Box<RawValue> {
    let json = format!(
        r#"{{"Port":{{"{}":{{"modify":{{"number":{number}}}}}}}}}"#,
        uuid(row)
    );
    RawValue::from_string(json).expect("the text is JSON")
}

fn replica(criterion: &mut Criterion) {
    const COUNT: u128 = 100_000;
    let rows = rows(COUNT);
    let mut full = Replica::new(Db::default());
    full.replace(&rows).expect("the rows are read");

    let mut group = criterion.benchmark_group("100,000 rows");
    let bytes = u64::try_from(rows.get().len()).expect("a length");
    group.throughput(Throughput::Bytes(bytes)).sample_size(10);
    group.bench_function("framed in reads of 64 KiB", |bencher| {
        bencher.iter(|| {
            let mut framer = Framer::new(usize::MAX);
            let mut messages = 0;
            for chunk in rows.get().as_bytes().chunks(1 << 16) {
                framer.buffer().extend_from_slice(chunk);
                messages += usize::from(framer.next_message().expect("JSON").is_some());
            }
            assert_eq!(messages, 1);
        });
    });
    group.bench_function("read into an empty replica", |bencher| {
        bencher.iter(|| {
            Replica::new(Db::default())
                .replace(&rows)
                .expect("the rows are read")
        });
    });
    group.bench_function("read again and compared", |bencher| {
        bencher.iter(|| full.clone().replace(&rows).expect("the rows are read"));
    });
    group.finish();

    let mut number = 0;
    criterion.bench_function("one row of 100,000 modified under a snapshot", |bencher| {
        bencher.iter(|| {
            number += 1;
            let snapshot = full.tables().clone();
            full.update(&modification(u128::from(number) % COUNT, number))
                .expect("it applies");
            snapshot
        });
    });
}

criterion_group!(benches, replica);
criterion_main!(benches);
