//! What the quickstart tells whoever started it.

use std::io::Write;

use labs::{Checks, Lab};

/// Prints the checks, then what the first host looks like, then what to try.
pub(crate) fn print(
    out: &mut impl Write,
    lab: &Lab,
    checks: &Checks,
    kept: bool,
) -> anyhow::Result<()> {
    writeln!(out, "Two hosts on {}.\n", lab.datapath().describe())?;
    write!(out, "{checks}")?;
    local_vlans(out, lab)?;
    let host1 = lab.host("host1")?;
    writeln!(
        out,
        "\nhost1# ovs-vsctl show\n{}",
        host1.ovs().vsctl("show")?.trim_end()
    )?;
    writeln!(out, "\nhost1# ovs-ofctl dump-flows br-int | grep tp_dst=22")?;
    for flow in host1
        .ovs()
        .flows("br-int")?
        .iter()
        .filter(|flow| flow.contains("tp_dst=22"))
    {
        writeln!(out, " {flow}")?;
    }
    let failed = checks.iter().filter(|check| !check.ok).count();
    let all = checks.iter().count();
    match failed {
        0 => writeln!(out, "\nAll {all} checks hold.")?,
        _ => writeln!(out, "\n{failed} of {all} checks FAILED.")?,
    }
    if kept {
        next_steps(out, lab)
    } else {
        how_to_keep(out)
    }
}

fn local_vlans(out: &mut impl Write, lab: &Lab) -> anyhow::Result<()> {
    writeln!(out, "\nLocal VLANs")?;
    for host in lab.hosts() {
        for port in &lab.description().ports {
            if port.host.as_deref() != Some(host.name()) {
                continue;
            }
            let interface = port.interface();
            let tag = host.ovs().vsctl(&format!("get Port {interface} tag"))?;
            let ofport = host
                .ovs()
                .vsctl(&format!("get Interface {interface} ofport"))?;
            let project = port.project.as_deref().unwrap_or("default");
            writeln!(
                out,
                "  {}  {interface}  ofport {:>3}  local VLAN {:>4}  {}, network {} of {project}",
                host.name(),
                ofport.trim(),
                tag.trim(),
                port.name,
                port.network,
            )?;
        }
    }
    Ok(())
}

fn how_to_keep(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nThe lab is gone again. To play with it: sudo labs/quickstart --keep"
    )?;
    Ok(())
}

fn next_steps(out: &mut impl Write, lab: &Lab) -> anyhow::Result<()> {
    let directory = lab.directory().display();
    let (a2, visitor) = (lab.machine("a2")?, lab.machine("visitor")?);
    let (a2, visitor) = (a2.namespace().name(), visitor.namespace().name());
    let b2 = lab.machine("b2")?.namespace().name();
    let network = lab.network().display();
    writeln!(
        out,
        "
The lab stays up. As root, try:
  ip netns exec {a2} ping -c 3 10.0.0.18
  ip netns exec {visitor} ping -c 3 10.0.0.18           # not of the group: no answer
  ip netns exec {a2} bash -c 'cat < /dev/tcp/10.0.0.18/80'
  ip netns exec {visitor} bash -c 'cat < /dev/tcp/10.0.0.18/22'
  ip netns exec {visitor} timeout 2 bash -c 'cat < /dev/tcp/10.0.0.18/80'  # refused
  ip netns exec {b2} ping -c 3 10.0.0.18                # tenant B's machine of that address
  export OVS_RUNDIR={directory}/host1                   # aims the tools at host1
  ovs-ofctl dump-flows br-int table=82
  ovs-appctl ofproto/trace br-int in_port=43,dl_src=fa:16:3e:00:0a:01,dl_dst=fa:16:3e:00:0a:02,\\
tcp,nw_src=10.0.0.18,nw_dst=10.0.0.19,tp_dst=80
  ovs-ofctl del-flows br-int                            # the agent puts them back at once
  ovs-ofctl dump-flows br-int | wc -l
  $EDITOR {network}            # agents follow the file
  tail -f {directory}/host1/brint.log
  sudo labs/quickstart --down                           # removes everything"
    )?;
    Ok(())
}
