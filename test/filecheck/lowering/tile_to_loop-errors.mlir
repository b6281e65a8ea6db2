// convert-tile-to-loop: a layer holds operations for which there are rules.
// RUN: not snow-opt %s -p convert-tile-to-loop 2>&1 | filecheck %s

// CHECK: error: {{.*}}test.op: there is no rule for it in a layer
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    "test.op"() : () -> ()
  } loc("conv1")
}
