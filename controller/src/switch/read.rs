//! Reading what is installed in a bridge.

use openflow::flow::Flow;
use openflow::multipart::{FlowStats, FlowStatsRequest};
use openflow::{Connection, RequestError};
use pipelines::cookie::Cookie;
use pipelines::flow_set::FlowSet;

/// Reads everything that is installed in a bridge.
///
/// With it comes why the flows of others are left out, if they are.
pub(super) async fn read(connection: &Connection) -> Result<(FlowSet, Option<String>), String> {
    let unreadable = |error: RequestError| format!("reading the flows: {error}");
    let mut installed = FlowSet::default();
    for group in connection.groups().await.map_err(unreadable)? {
        installed.insert_group(group);
    }
    for meter in connection.meters().await.map_err(unreadable)? {
        installed.insert_meter(meter);
    }
    let (flows, reason) = flows(connection).await?;
    for flow in flows {
        installed.insert_flow(Flow::from(flow));
    }
    Ok((installed, reason))
}

/// Reads every flow of a bridge; if that is beyond understanding, those of brint alone, and why.
pub(super) async fn flows(
    connection: &Connection,
) -> Result<(Vec<FlowStats>, Option<String>), String> {
    let unreadable = |error: RequestError| format!("reading the flows: {error}");
    match connection.flows().await {
        Ok(flows) => Ok((flows, None)),
        Err(RequestError::Malformed(reason)) => {
            let ours = FlowStatsRequest {
                cookie: Cookie::KIN,
                cookie_mask: Cookie::KIN_MASK,
                ..FlowStatsRequest::all()
            };
            let flows = connection.flows_of(ours).await.map_err(unreadable)?;
            Ok((flows, Some(reason.to_string())))
        }
        Err(error) => Err(unreadable(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::{Bytes, BytesMut};
    use openflow::Options;
    use openflow::message::{Capabilities, Features, Header, Hello, Message};
    use openflow::multipart::{MultipartReply, ReplyBody, RequestBody};
    use openflow::wire::Writer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    /// A switch with a flow of brint, and one of somebody else that nobody can read.
    struct Switch(DuplexStream);

    impl Switch {
        async fn hear(&mut self) -> Option<(u32, Message)> {
            let mut frame = vec![0; Header::LENGTH];
            self.0.read_exact(&mut frame).await.ok()?;
            let length = Header::peek(&frame).unwrap().length;
            frame.resize(length.into(), 0);
            let body = &mut frame[Header::LENGTH..];
            self.0.read_exact(body).await.unwrap();
            Some(Message::decode(&Bytes::from(frame)).unwrap())
        }

        async fn say(&mut self, xid: u32, message: &Message, cut: usize) {
            let mut out = Writer::on(BytesMut::new());
            message.encode(xid, &mut out);
            let mut bytes = out.finish().unwrap();
            bytes.truncate(bytes.len() - cut);
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes[2..4].copy_from_slice(&length);
            self.0.write_all(&bytes).await.unwrap();
        }

        async fn run(mut self) {
            self.say(1, &Hello::ours().into(), 0).await;
            let ours = Flow {
                cookie: Cookie::BRIDGE.get(),
                ..Flow::default()
            };
            while let Some((xid, message)) = self.hear().await {
                let request = match message {
                    Message::FeaturesRequest => {
                        self.say(xid, &Message::FeaturesReply(features()), 0).await;
                        continue;
                    }
                    Message::MultipartRequest(request) => request.body,
                    _ => continue,
                };
                let (answer, cut) = match request {
                    RequestBody::GroupDesc => (ReplyBody::GroupDesc(Vec::new()), 0),
                    RequestBody::MeterConfig(_) => (ReplyBody::MeterConfig(Vec::new()), 0),
                    RequestBody::Flow(asked) => {
                        assert_eq!(ours.cookie & asked.cookie_mask, asked.cookie);
                        let stats = FlowStats {
                            flow: ours.clone(),
                            duration: Duration::ZERO,
                            packet_count: 0,
                            byte_count: 0,
                        };
                        let is_all = asked.cookie_mask == 0;
                        (ReplyBody::Flow(vec![stats]), usize::from(is_all))
                    }
                    other => panic!("{other:?}"),
                };
                self.say(xid, &MultipartReply::from(answer).into(), cut)
                    .await;
            }
        }
    }

    fn features() -> Features {
        Features {
            datapath_id: 1,
            n_buffers: 0,
            n_tables: 254,
            auxiliary_id: 0,
            capabilities: Capabilities::FLOW_STATS,
            reserved: 0,
        }
    }

    #[tokio::test]
    async fn flows_that_nobody_can_read_hide_none_of_brint() {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(Switch(theirs).run());
        let (connection, _events) = Connection::on(ours, Options::default()).await.unwrap();
        let (installed, reason) = read(&connection).await.unwrap();
        assert_eq!(installed.flows().len(), 1);
        assert!(reason.is_some());
    }
}
