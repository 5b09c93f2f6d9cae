use super::*;
use crate::table::TableChanges;

crate::tables! {
    /// One table.
    database Db = "Db", changes DbChanges;

    /// With one column.
    table items: Item = "Item" {
        /// A number.
        number: i64;
    }
}

fn step(tables: &mut Db, uuid: u128, number: i64) -> Event<Db> {
    let mut changes = DbChanges::default();
    let uuid = crate::Uuid::from_u128(uuid);
    let changed: &mut TableChanges<Item> = &mut changes.items;
    tables.items.put(Item { uuid, number }, changed);
    Event::Changed(Step {
        changes,
        tables: Arc::new(tables.clone()),
    })
}

fn connected() -> Event<Db> {
    Event::Connected {
        remote: Remote::Unix("/nowhere".into()),
    }
}

#[tokio::test]
async fn events_arrive_one_by_one_while_there_is_room() {
    let (sender, mut events) = queue();
    let mut tables = Db::default();
    sender.send(connected());
    for number in 0..10 {
        sender.send(step(&mut tables, 1, number));
    }
    drop(sender);
    assert!(matches!(events.next().await, Some(Event::Connected { .. })));
    for number in 0..10 {
        let Some(Event::Changed(step)) = events.next().await else {
            panic!("a step")
        };
        assert_eq!(step.tables.items.iter().next().unwrap().number, number);
    }
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_slow_application_sees_steps_merged_and_loses_nothing() {
    let (sender, mut events) = queue();
    let mut tables = Db::default();
    sender.send(step(&mut tables, 1, 0));
    sender.send(connected());
    let steps = 10 * CAPACITY;
    for number in 0..steps {
        sender.send(Event::Lock {
            name: "lock".to_owned(),
            held: number % 2 == 0,
        });
        sender.send(step(&mut tables, 2, i64::try_from(number).unwrap()));
    }
    drop(sender);
    let (mut seen, mut rows, mut connections, mut held) = (0, DbChanges::default(), 0, None);
    while let Some(event) = events.next().await {
        seen += 1;
        match event {
            Event::Changed(step) => rows.merge(step.changes),
            Event::Connected { .. } => connections += 1,
            Event::Lock { held: now, .. } => held = Some(now),
            Event::Disconnected(_) => panic!("nobody disconnected"),
        }
    }
    assert!(seen <= CAPACITY, "{seen}");
    assert_eq!((connections, held), (1, Some(false)));
    assert_eq!(rows, Db::default().compare(&tables));
}

#[tokio::test]
async fn nothing_piles_up_for_an_application_that_left() {
    let (sender, events) = queue();
    drop(events);
    sender.send(connected());
    assert!(sender.queue.state().events.is_empty());
}
