//! The simulations of `cargo xtask soak statistics`, in small counts.

use benches::simulation;

#[test]
fn alarms_are_as_rare_as_promised() -> benches::Result<()> {
    for simulation in simulation::all() {
        let rate = simulation.run(60)?;
        assert!(rate.keeps(simulation.promise), "{simulation:?}: {rate}");
    }
    Ok(())
}
