//! A learning switch: it remembers behind which port each address is.
//!
//! ```text
//! cargo run --example learning_switch
//! sudo mn --switch ovsk,protocols=OpenFlow13 --controller remote,port=6653 --test pingall
//! ```

use std::collections::BTreeMap;
use std::error::Error;

use openflow::action::Output;
use openflow::field::{ETH_DST, IN_PORT, MacAddr, PortNo};
use openflow::flow::Flow;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::{FlowMod, PacketIn, PacketOut};
use openflow::{Application, Connection, Options, RequestError};

#[derive(Default)]
struct LearningSwitch {
    ports: BTreeMap<MacAddr, PortNo>,
}

impl Application for LearningSwitch {
    async fn connected(&mut self, switch: &Connection) -> Result<(), RequestError> {
        let instructions = Instructions::apply([Output::to_controller().into()]);
        let miss = Flow {
            priority: 0,
            instructions,
            ..Flow::default()
        };
        switch.send(FlowMod::add(&miss).into()).await.map(drop)
    }

    async fn packet_in(
        &mut self,
        switch: &Connection,
        packet: PacketIn,
    ) -> Result<(), RequestError> {
        let (Some(in_port), Some((to, from))) = (packet.in_port(), packet.addresses()) else {
            return Ok(());
        };
        self.ports.insert(from, in_port);
        let output = Output::to(self.ports.get(&to).copied().unwrap_or(PortNo::FLOOD));
        if output.port != PortNo::FLOOD {
            let flow = Flow {
                priority: 1,
                matching: Match::default().with(IN_PORT, in_port).with(ETH_DST, to),
                idle_timeout: 60,
                instructions: Instructions::apply([output.clone().into()]),
                ..Flow::default()
            };
            switch.send(FlowMod::add(&flow).into()).await?;
        }
        let out = PacketOut::new(vec![output.into()], packet.data);
        switch
            .send(PacketOut { in_port, ..out }.into())
            .await
            .map(drop)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "ptcp:6653".to_owned());
    match openflow::serve(
        &target.parse()?,
        Options::default(),
        LearningSwitch::default,
    )
    .await? {}
}
