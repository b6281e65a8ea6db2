// snow.weights is relative to the file that holds the module: writing it elsewhere rewrites the path.
// RUN: mkdir -p %t/in %t/out
// RUN: cp %s %t/in/model.mlir
// RUN: snow-opt %t/in/model.mlir -o %t/out/model.mlir
// RUN: filecheck %s --input-file %t/out/model.mlir
// CHECK: snow.weights = "../in/digits.safetensors"

// RUN: snow-opt %t/in/model.mlir -o %t/in/copy.mlir
// RUN: filecheck %s --input-file %t/in/copy.mlir --check-prefix=SAME
// SAME: snow.weights = "digits.safetensors"

// What goes to the standard output is relative to the current directory.
// RUN: cd %t
// RUN: snow-opt in/model.mlir | filecheck %s --check-prefix=STDOUT
// STDOUT: snow.weights = "in/digits.safetensors"

module attributes {snow.weights = "digits.safetensors"} {}
