//! A learning switch: it remembers behind which port each address is.
//!
//! ```text
//! cargo run -p openflow --example learning_switch
//! sudo mn --topo tree,2 --switch ovs --controller remote,ip=127.0.0.1,port=6653 --test pingall
//! ```
//!
//! `pingall` ends with `0% dropped`. Where the kernel has no module openvswitch, the switch has to
//! be `--switch ovs,datapath=user`. It understands OpenFlow 1.3 among others, and the two sides
//! agree on that; `protocols=OpenFlow13` after it makes it certain.
//!
//! Mininet expects the daemons of Open vSwitch where packages put them. Without an init system, and
//! without a trace on the machine, namespaces of one's own do:
//!
//! ```text
//! sudo unshare --pid --fork --mount-proc --mount --net bash
//! mount -t tmpfs tmpfs /run && mkdir /run/openvswitch && ip link set lo up
//! ovsdb-tool create /run/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
//! ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach /run/openvswitch/conf.db
//! ovs-vsctl --no-wait init
//! ovs-vswitchd --pidfile --detach
//! target/debug/examples/learning_switch &
//! mn --topo tree,2 --switch ovs,datapath=user --controller remote,ip=127.0.0.1,port=6653 \
//!    --test pingall
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
