//! Trunks: which ports may be behind which.

use serde_json::{Value, json};

use super::ports::{change, make, try_make};
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

async fn port(database: &Database, network: &Value, more: Value) -> Value {
    let mut port = json!({"network_id": network["id"]});
    let more = more.as_object().unwrap().clone();
    port.as_object_mut().unwrap().extend(more);
    make(database, "port", port).await["id"].clone()
}

/// A network with a parent and three more ports.
async fn ports(database: &Database) -> [Value; 4] {
    let network = make(database, "network", json!({"mtu": 1400})).await;
    [
        port(database, &network, json!({})).await,
        port(database, &network, json!({})).await,
        port(database, &network, json!({})).await,
        port(database, &network, json!({})).await,
    ]
}

fn sub_port(port: &Value, vlan: i64) -> Value {
    json!({"port_id": port, "segmentation_type": "vlan", "segmentation_id": vlan})
}

async fn act(database: &Database, trunk: &Value, action: &str, sub_ports: Value) -> (u16, Value) {
    let path = format!("/v2.0/trunks/{}/{action}", trunk.as_str().unwrap());
    let body = json!({ "sub_ports": sub_ports }).to_string();
    ask(database, "PUT", &path, &body).await
}

async fn shown(database: &Database, path: &str, id: &Value) -> Value {
    let (status, answer) = ask(
        database,
        "GET",
        &format!("/v2.0/{path}s/{}", id.as_str().unwrap()),
        "",
    )
    .await;
    assert_eq!(status, 200, "{answer}");
    answer[path].clone()
}

#[tokio::test]
async fn ports_come_behind_a_port_and_leave_it() {
    let server = Server::start();
    let database = server.open().await;
    let [parent, one, other, _] = ports(&database).await;
    let wanted = json!({"port_id": parent, "name": "t", "sub_ports": [sub_port(&one, 101)]});
    let trunk = make(&database, "trunk", wanted).await;
    assert_eq!(trunk["sub_ports"], json!([sub_port(&one, 101)]));
    assert_eq!(
        (&trunk["status"], &trunk["admin_state_up"]),
        (&json!("DOWN"), &json!(true))
    );
    let id = &trunk["id"];
    // What has come is said without the name of one around it.
    let (status, added) = act(&database, id, "add_subports", json!([sub_port(&other, 7)])).await;
    assert_eq!(status, 200, "{added}");
    let both = json!([sub_port(&other, 7), sub_port(&one, 101)]);
    assert_eq!((&added["sub_ports"], &added["id"]), (&both, id));
    assert_eq!(added["revision_number"], 2);
    let path = format!("/v2.0/trunks/{}/get_subports", id.as_str().unwrap());
    let (_, answer) = ask(&database, "GET", &path, "").await;
    assert_eq!(answer, json!({ "sub_ports": both }));

    let details = shown(&database, "port", &parent).await["trunk_details"].clone();
    assert_eq!(&details["trunk_id"], id);
    let behind = shown(&database, "port", &one).await;
    assert_eq!(
        details["sub_ports"][1]["mac_address"],
        behind["mac_address"]
    );
    assert_eq!(
        (&behind["device_owner"], &behind["device_id"]),
        (&json!("trunk:subport"), id)
    );
    assert!(behind.get("trunk_details").is_none(), "{behind}");

    // A port that is behind another is where that is.
    let (status, _) = change(
        &database,
        "port",
        &parent,
        json!({"binding:host_id": "hv1"}),
    )
    .await;
    assert_eq!(status, 200);
    let behind = shown(&database, "port", &one).await;
    assert_eq!(behind["binding:host_id"], "hv1");
    let away = json!({"binding:host_id": "hv2"});
    let (status, answer) = change(&database, "port", &one, away).await;
    assert_eq!((status, kind(&answer)), (409, "PortInUseAsSubPort"));
    let gone = json!([{"port_id": one}]);
    let (status, left) = act(&database, id, "remove_subports", gone).await;
    assert_eq!(
        (status, &left["sub_ports"]),
        (200, &json!([sub_port(&other, 7)]))
    );
    let free = shown(&database, "port", &one).await;
    assert_eq!(
        (
            &free["device_owner"],
            &free["device_id"],
            &free["binding:host_id"]
        ),
        (&json!(""), &json!(""), &json!(""))
    );

    let path = format!("/v2.0/trunks/{}", id.as_str().unwrap());
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "TrunkInUse"));
    change(&database, "port", &parent, json!({"binding:host_id": ""})).await;
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    assert_eq!(shown(&database, "port", &other).await["device_id"], "");
    assert!(database.snapshot().sub_ports.is_empty());
    let (status, answer) = ask(&database, "GET", &path, "").await;
    assert_eq!((status, kind(&answer)), (404, "TrunkNotFound"));
}

#[tokio::test]
async fn a_port_is_in_one_trunk_and_a_vlan_leads_to_one_port() {
    let server = Server::start();
    let database = server.open().await;
    let [parent, one, other, third] = ports(&database).await;
    let network = make(&database, "network", json!({})).await;
    let large = port(&database, &network, json!({})).await;
    let used = port(&database, &network, json!({"device_id": "vm1"})).await;
    let bound = port(&database, &network, json!({"binding:host_id": "hv1"})).await;
    let none = json!("00000000-0000-4000-8000-000000000000");
    let trunk = json!({"port_id": parent, "sub_ports": [sub_port(&one, 101)]});
    let trunk = make(&database, "trunk", trunk).await["id"].clone();
    for (wanted, status, expected) in [
        (json!({}), 400, "HTTPBadRequest"),
        (json!({"port_id": none}), 404, "PortNotFound"),
        (json!({"port_id": parent}), 409, "ParentPortInUse"),
        (json!({"port_id": one}), 409, "TrunkPortInUse"),
        (json!({"port_id": bound}), 409, "ParentPortInUse"),
        (
            json!({"port_id": other, "sub_ports": [{"port_id": third}]}),
            400,
            "InvalidInput",
        ),
        (
            json!({"port_id": other, "sub_ports": [{"segmentation_id": 5}]}),
            400,
            "HTTPBadRequest",
        ),
        (
            json!({"port_id": other, "sub_ports": {"port_id": third}}),
            400,
            "HTTPBadRequest",
        ),
        (
            json!({"port_id": other, "sub_ports": [sub_port(&third, 5), sub_port(&large, 5)]}),
            400,
            "HTTPBadRequest",
        ),
    ] {
        let (answered, answer) = try_make(&database, "trunk", wanted.clone()).await;
        assert_eq!((answered, kind(&answer)), (status, expected), "{wanted}");
    }
    let inherits = json!({"port_id": third, "segmentation_type": "inherit"});
    for (wanted, status, expected) in [
        (json!([sub_port(&parent, 5)]), 409, "ParentPortInUse"),
        (json!([sub_port(&one, 5)]), 409, "TrunkPortInUse"),
        (json!([sub_port(&none, 5)]), 404, "PortNotFound"),
        (json!([sub_port(&third, 101)]), 409, "DuplicateSubPort"),
        (
            json!([sub_port(&large, 5)]),
            409,
            "SubPortMtuGreaterThanTrunkPortMtu",
        ),
        (json!([sub_port(&third, 4095)]), 400, "InvalidInput"),
        (json!([inherits]), 400, "InvalidInput"),
        (json!([{"port_id": "x"}]), 400, "InvalidInput"),
        (
            json!([{"port_id": third, "color": "red"}]),
            400,
            "InvalidInput",
        ),
        (sub_port(&third, 5), 400, "InvalidInput"),
    ] {
        let (answered, answer) = act(&database, &trunk, "add_subports", wanted.clone()).await;
        assert_eq!((answered, kind(&answer)), (status, expected), "{wanted}");
    }
    let wide = json!({"port_id": large, "sub_ports": [sub_port(&used, 5)]});
    let (status, answer) = try_make(&database, "trunk", wide).await;
    assert_eq!((status, kind(&answer)), (409, "PortInUse"));
    // Two at once are as impossible as one after the other.
    let [one, other, third, fourth] = ports(&database).await;
    let twice = json!({"trunks": [{"port_id": one, "sub_ports": [sub_port(&third, 5)]},
        {"port_id": other, "sub_ports": [sub_port(&third, 5)]}]});
    let (status, answer) = ask(&database, "POST", "/v2.0/trunks", &twice.to_string()).await;
    assert_eq!((status, kind(&answer)), (409, "TrunkPortInUse"));
    let both = json!({"trunks": [{"port_id": one, "sub_ports": [sub_port(&third, 5)]},
        {"port_id": other, "sub_ports": [sub_port(&fourth, 5)]}]});
    let (status, answer) = ask(&database, "POST", "/v2.0/trunks", &both.to_string()).await;
    assert_eq!(status, 201, "{answer}");
}

#[tokio::test]
async fn nothing_comes_or_goes_where_a_trunk_is_switched_off() {
    let server = Server::start();
    let database = server.open().await;
    let [parent, one, _, third] = ports(&database).await;
    let trunk = json!({"port_id": parent, "sub_ports": [sub_port(&one, 101)]});
    let trunk = make(&database, "trunk", trunk).await["id"].clone();
    let third = json!([sub_port(&third, 5)]);
    let (status, answer) = act(&database, &trunk, "remove_subports", third.clone()).await;
    assert_eq!((status, kind(&answer)), (404, "SubPortNotFound"));
    change(&database, "trunk", &trunk, json!({"admin_state_up": false})).await;
    for (action, sub_ports) in [
        ("add_subports", third),
        ("remove_subports", json!([sub_port(&one, 101)])),
    ] {
        let (status, answer) = act(&database, &trunk, action, sub_ports).await;
        assert_eq!((status, kind(&answer)), (409, "TrunkDisabled"), "{action}");
    }
    let path = format!("/v2.0/trunks/{}", trunk.as_str().unwrap());
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "TrunkDisabled"));
    for (port, expected) in [
        (&parent, "PortInUseAsTrunkParent"),
        (&one, "PortInUseAsSubPort"),
    ] {
        let path = format!("/v2.0/ports/{}", port.as_str().unwrap());
        let (status, answer) = ask(&database, "DELETE", &path, "").await;
        assert_eq!((status, kind(&answer)), (409, expected));
    }
}

#[tokio::test]
async fn a_sub_port_can_have_the_vlan_of_its_network() {
    let server = Server::start();
    let database = server.open().await;
    let [parent, ..] = ports(&database).await;
    let vlan = json!({
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 150,
        "mtu": 1400,
    });
    let network = make(&database, "network", vlan).await;
    let behind = port(&database, &network, json!({})).await;
    let inherits = json!({"port_id": behind, "segmentation_type": "inherit"});
    let trunk = json!({"port_id": parent, "sub_ports": [inherits]});
    let trunk = make(&database, "trunk", trunk).await;
    assert_eq!(trunk["sub_ports"], json!([sub_port(&behind, 150)]));
}

#[tokio::test]
async fn two_servers_never_put_one_port_into_two_trunks() {
    let server = Server::start();
    let (one, other) = (server.open().await, server.open().await);
    for _ in 0..10 {
        let [first, second, third, _] = ports(&one).await;
        let parent = make(&one, "trunk", json!({"port_id": first})).await["id"].clone();
        let behind = act(&one, &parent, "add_subports", json!([sub_port(&second, 5)]));
        let above = json!({"port_id": second, "sub_ports": [sub_port(&third, 5)]});
        let (behind, above) = tokio::join!(behind, try_make(&other, "trunk", above));
        let done = [behind.0, above.0];
        assert!(
            done == [200, 409] || done == [409, 201],
            "{behind:?} {above:?}"
        );
    }
}
