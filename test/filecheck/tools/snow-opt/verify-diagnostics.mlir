// The options of xDSL's driver that tests rely on work as they do there.
// RUN: snow-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// CHECK: operation name expected
%0 =

// -----

// CHECK: Operation does not verify: cnn.input: the first axis of the shape is the batch and must be 1
%0 = cnn.input "input" : tensor<2x8xf32>

// -----

// CHECK: "test.op"() : () -> ()
"test.op"() : () -> ()
