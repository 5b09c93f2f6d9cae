//! From a path to who answers it, and from what was answered to HTTP.

use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::address_group::AddressGroups;
use super::address_scope::AddressScopes;
use super::agent::Agents;
use super::call::Call;
use super::default_rule::{self, DefaultRules};
use super::fault::Fault;
use super::floating_ip::FloatingIps;
use super::identity::Identity;
use super::log::{self, Logs};
use super::network::Networks;
use super::new::random_id;
use super::port::Ports;
use super::port_binding;
use super::port_forwarding::{self, PortForwardings};
use super::rbac_policy::RbacPolicies;
use super::resource::Answer;
use super::router::Routers;
use super::security_group::{SecurityGroups, ensure_default};
use super::security_group_rule::SecurityGroupRules;
use super::segments::Segments;
use super::sharing::adopt;
use super::subnet::Subnets;
use super::subnet_pool::SubnetPools;
use super::trunk::{self, Trunks};
use super::{
    address_group, availability, availability_zone, extension, floating_ip_pool, hosting,
    interface, pool_prefixes, quota, resource, tag,
};
use crate::northbound::database::Database;

/// The header that names a request in the log.
const REQUEST_ID: &str = "x-openstack-request-id";

/// Answers a request.
pub(super) async fn answer<B>(
    request: Request<B>,
    database: &Database,
    identity: &Identity,
) -> Response<Full<Bytes>>
where
    B: Body<Data = Bytes>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let path = request.uri().path().to_owned();
    if path != "/" && path != "/v2.0" && !path.starts_with("/v2.0/") {
        return response(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "404 Not Found\n",
        );
    }
    let id = match random_id() {
        Ok(id) => format!("req-{id}"),
        Err(fault) => return document(fault.status, &fault.body()),
    };
    let what = format!("{} {path}", request.method());
    let (status, body) = match serve(request, database, identity).await {
        Ok((status, body)) => {
            info!("{id} {what}: {}", status.as_u16());
            (status, body)
        }
        Err(fault) => {
            warn!("{id} {what}: {} {fault}", fault.status.as_u16());
            (fault.status, Some(fault.body()))
        }
    };
    let mut response = match body {
        Some(body) => document(status, &body),
        None => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = status;
            response
        }
    };
    if let (true, Ok(id)) = (path != "/", HeaderValue::from_str(&id)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let methods = HeaderValue::from_static("GET, POST, PUT, DELETE");
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

async fn serve<B>(
    request: Request<B>,
    database: &Database,
    identity: &Identity,
) -> Result<Answer, Fault>
where
    B: Body<Data = Bytes>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let accept = request.headers().get(ACCEPT);
    if accept.is_some_and(|value| value.as_bytes() == b"application/xml") {
        return Err(Fault::new(
            StatusCode::NOT_ACCEPTABLE,
            "HTTPNotAcceptable",
            "The resource could not be generated in the requested form, expected application/json.",
        ));
    }
    let call = Call::read(request, identity).await?;
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let document = match path.as_slice() {
        ["v2.0", collection, rest @ ..] if *collection != "extensions" => {
            let listed = *collection == "security-groups" && rest.is_empty();
            if listed && call.method == hyper::Method::GET {
                ensure_default(database, &call).await?;
            }
            return objects(database, &call, collection, rest).await;
        }
        [] => versions(&call),
        ["v2.0"] => resources(&call),
        ["v2.0", "extensions"] => extension::list(),
        ["v2.0", "extensions", alias] => extension::show(alias).ok_or_else(Fault::not_found)?,
        _ => return Err(Fault::not_found()),
    };
    match call.method.as_str() {
        "GET" => Ok((StatusCode::OK, Some(document))),
        _ => Err(Fault::method()),
    }
}

/// Answers a request whose path begins with a collection.
pub(super) async fn objects(
    database: &Database,
    call: &Call,
    collection: &str,
    rest: &[&str],
) -> Result<Answer, Fault> {
    if collection == "rbac-policies" {
        adopt(database, call).await?;
    }
    if collection == "default-security-group-rules" {
        default_rule::keep(database, call).await?;
    }
    macro_rules! served {
        (
            tagged { $($tagged:literal => $with_tags:ty;)* }
            plain { $($plain:literal => $without:ty;)* }
        ) => {
            match (collection, rest) {
                $(
                    ($tagged, []) => resource::answer::<$with_tags>(database, call, None).await,
                    ($tagged, [id]) => {
                        resource::answer::<$with_tags>(database, call, Some(id)).await
                    }
                    ($tagged, [id, "tags"]) => {
                        tag::answer::<$with_tags>(database, call, id, None).await
                    }
                    ($tagged, [id, "tags", tag]) => {
                        tag::answer::<$with_tags>(database, call, id, Some(tag)).await
                    }
                )*
                $(
                    ($plain, []) => resource::answer::<$without>(database, call, None).await,
                    ($plain, [id]) => resource::answer::<$without>(database, call, Some(id)).await,
                )*
                _ => other(database, call, collection, rest).await,
            }
        };
    }
    served! {
        tagged {
            "networks" => Networks;
            "subnets" => Subnets;
            "ports" => Ports;
            "security-groups" => SecurityGroups;
            "routers" => Routers;
            "floatingips" => FloatingIps;
            "subnetpools" => SubnetPools;
            "trunks" => Trunks;
        }
        plain {
            "security-group-rules" => SecurityGroupRules;
            "default-security-group-rules" => DefaultRules;
            "address-groups" => AddressGroups;
            "address-scopes" => AddressScopes;
            "agents" => Agents;
            "segments" => Segments;
            "rbac-policies" => RbacPolicies;
        }
    }
}

/// Answers a request for what is no object of a collection, or is done with one.
async fn other(
    database: &Database,
    call: &Call,
    collection: &str,
    rest: &[&str],
) -> Result<Answer, Fault> {
    match (collection, rest) {
        ("floatingip-pools", []) => floating_ip_pool::answer(&database.snapshot(), call),
        ("quotas", rest) => quota::answer(database, call, rest).await,
        ("availability_zones", []) => availability_zone::answer(&database.snapshot(), call),
        ("floatingips", [_, "port_forwardings", rest @ ..]) if rest.len() < 2 => {
            port_forwarding::check_parent(call, &database.snapshot())?;
            let id = rest.first().copied();
            resource::answer::<PortForwardings>(database, call, id).await
        }
        ("network-ip-availabilities", rest) if rest.len() < 2 => {
            availability::answer(&database.snapshot(), call, rest.first().copied())
        }
        ("service-providers", []) if call.method == hyper::Method::GET => {
            Ok((StatusCode::OK, Some(extension::service_providers())))
        }
        (
            "networks" | "routers" | "agents",
            [
                id,
                part @ ("dhcp-agents" | "l3-agents" | "dhcp-networks" | "l3-routers"),
            ],
        ) => hosting::answer(&database.snapshot(), call, (collection, id, part)),
        ("log", ["loggable-resources"]) if call.method == hyper::Method::GET => {
            Ok((StatusCode::OK, Some(log::loggable_resources())))
        }
        ("log", ["logs"]) => resource::answer::<Logs>(database, call, None).await,
        ("log", ["logs", id]) => resource::answer::<Logs>(database, call, Some(id)).await,
        ("ports", [id, "bindings", rest @ ..]) => {
            port_binding::answer(database, call, id, rest).await
        }
        ("routers", [id, action]) => interface::answer(database, call, id, action).await,
        ("subnetpools", [id, action]) => pool_prefixes::answer(database, call, id, action).await,
        ("trunks", [id, action]) => trunk::answer(database, call, id, action).await,
        ("address-groups", [id, action]) => address_group::answer(database, call, id, action).await,
        _ => Err(Fault::not_found()),
    }
}

/// The versions of the API; clients go on where this says.
fn versions(call: &Call) -> Value {
    let href = format!("http://{}/v2.0/", call.host);
    let links = json!([{"rel": "self", "href": href}]);
    json!({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})
}

/// The collections of the version.
fn resources(call: &Call) -> Value {
    let resource = |name: &str, collection: &str| {
        let href = format!("http://{}/v2.0/{collection}", call.host);
        json!({"name": name, "collection": collection, "links": [{"rel": "self", "href": href}]})
    };
    json!({"resources": [
        resource("extension", "extensions"),
        resource("network", "networks"),
        resource("subnet", "subnets"),
        resource("subnetpool", "subnetpools"),
        resource("address_scope", "address-scopes"),
        resource("port", "ports"),
        resource("router", "routers"),
        resource("floatingip", "floatingips"),
        resource("security_group", "security-groups"),
        resource("security_group_rule", "security-group-rules"),
        resource("default_security_group_rule", "default-security-group-rules"),
        resource("address_group", "address-groups"),
        resource("trunk", "trunks"),
        resource("rbac_policy", "rbac-policies"),
        resource("log", "log/logs"),
        resource("agent", "agents"),
        resource("quota", "quotas"),
    ]})
}

fn document(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    response(status, "application/json", body.to_string())
}

fn response(
    status: StatusCode,
    format: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let format = HeaderValue::from_static(format);
    response.headers_mut().insert(CONTENT_TYPE, format);
    response
}
