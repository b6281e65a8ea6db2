// What the driver reports goes to stderr; the standard output is the program alone.
// RUN: snow-opt %s -p canonicalize,cse --time-passes --print-ir-after=cse 2>%t.err | filecheck %s
// RUN: filecheck %s --check-prefix=REPORT --input-file %t.err

// CHECK-NOT: IR after
// CHECK: builtin.module
// CHECK-NEXT: "test.op"() : () -> i32 loc("conv1")
// CHECK-NOT: IR after

// REPORT: canonicalize: {{[0-9.]+}} s
// REPORT-NEXT: cse: {{[0-9.]+}} s
// REPORT-NEXT: // IR after cse:
// REPORT-NEXT: builtin.module
// REPORT-NEXT: "test.op"() : () -> i32 loc("conv1")

// Locations are printed unless they are switched off.
// RUN: snow-opt %s --no-debuginfo | filecheck %s --check-prefix=PLAIN
// PLAIN: "test.op"() : () -> i32
// PLAIN-NOT: conv1

%0 = "test.op"() : () -> i32 loc("conv1")
