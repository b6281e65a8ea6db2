// convert-loop-to-snowflake: every layer is a program. Its code lies behind all regions, and the layer's name is the
// location of its instructions.
// RUN: snow-opt %s --machine zc706 -p convert-loop-to-snowflake | filecheck %s

%x = cnn.input "x" : tensor<1x32x1x1xf32>
%q = cnn.quantize %x : (tensor<1x32x1x1xf32>) -> tensor<1x32x1x1x!cnn.fixed<8>>
%a = tile.region "a" at 0 : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]>
tile.write %q to %a : tensor<1x32x1x1x!cnn.fixed<8>> to !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]>
loop.layer "relu" {
  loop.config result_shift = 1
} loc("first")
%b = tile.region "b" at 1 : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]>
loop.layer "relu" {
  loop.config result_shift = 2
} loc("second")
%r = tile.read %b : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> to tensor<1x32x1x1x!cnn.fixed<8>>
tile.write %r to %b : tensor<1x32x1x1x!cnn.fixed<8>> to !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]>
loop.layer "relu" {
  loop.config result_shift = 3
} loc("third")

// CHECK:      %x = cnn.input "x" : tensor<1x32x1x1xf32> loc(unknown)
// CHECK-NEXT: %q = cnn.quantize %x : (tensor<1x32x1x1xf32>) -> tensor<1x32x1x1x!cnn.fixed<8>> loc(unknown)
// CHECK-NEXT: %a = tile.region "a" at 0 : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> loc(unknown)
// CHECK-NEXT: tile.write %q to %a : tensor<1x32x1x1x!cnn.fixed<8>> to !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> loc(unknown)
// CHECK-NEXT: snowflake.program structured at 2 {
// CHECK-NEXT:   snowflake.config result_shift, 1 loc("first")
// CHECK-NEXT:   snowflake.config done, 0 loc("first")
// CHECK-NEXT: } loc("first")
// CHECK-NEXT: %b = tile.region "b" at 1 : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> loc(unknown)
// CHECK-NEXT: snowflake.program structured at 2 {
// CHECK-NEXT:   snowflake.config result_shift, 2 loc("second")
// CHECK-NEXT:   snowflake.config done, 0 loc("second")
// CHECK-NEXT: } loc("second")
// CHECK-NEXT: %r = tile.read %b : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> to tensor<1x32x1x1x!cnn.fixed<8>> loc(unknown)
// CHECK-NEXT: tile.write %r to %b : tensor<1x32x1x1x!cnn.fixed<8>> to !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> loc(unknown)
// CHECK-NEXT: snowflake.program structured at 2 {
// CHECK-NEXT:   snowflake.config result_shift, 3 loc("third")
// CHECK-NEXT:   snowflake.config done, 0 loc("third")
// CHECK-NEXT: } loc("third")
// CHECK-NEXT: } loc(unknown)
