// cnn-choose-schedule: where layers would wait for their stores, the parts of a concatenation take turns row by row.
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{concats=pixels} | filecheck %s --check-prefix=PIXELS
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{schedule=paper} | filecheck %s --check-prefix=PIXELS
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule,convert-cnn-to-tile | filecheck %s --check-prefix=TILE
// RUN: not snow-opt %s -p cnn-choose-schedule{concats=words} 2>&1 | filecheck %s --check-prefix=WORDS

// WORDS: error: cnn-choose-schedule: concats must be pixels or rows, is words

// Kernels have their rows in turns, too, and so have strides and pads.
// CHECK:      %c = cnn.interleave %a, %b : (tensor<1x64x27x27x!cnn.fixed<8>>, tensor<1x64x27x27x!cnn.fixed<8>>) -> tensor<1x64x54x27x!cnn.fixed<8>>
// CHECK-NEXT: [[W:%.*]] = cnn.interleave_kernels %w {parts = 2 : i64} : (tensor<16x128x3x1xf32>) -> tensor<16x64x6x1xf32>
// CHECK-NEXT: %wq = cnn.quantize [[W]] : (tensor<16x64x6x1xf32>) -> tensor<16x64x6x1x!cnn.fixed<8>>
// CHECK-NEXT: %y = cnn.conv2d %c, %wq {strides = [4, 1], pads = [2, 0, 2, 0]}

// PIXELS:      %c = cnn.concat %a, %b
// PIXELS-NEXT: %y = cnn.conv2d %c, %wq {strides = [2, 1], pads = [1, 0, 1, 0]}

// Each part is a view of every second row.
// TILE:      [[C:%.*]] = tile.region "c.rows" : !tile.maps<height 54, width 27, pixel 64, row 1728, frac 8, channels [64 at 0]>
// TILE-NEXT: tile.view "a" of [[C]] row 0 : {{.*}} to !tile.maps<height 27, width 27, pixel 64, row 3456, frac 8, channels [64 at 0]>
// TILE:      tile.view "b" of [[C]] row 1 : {{.*}} to !tile.maps<height 27, width 27, pixel 64, row 3456, frac 8, channels [64 at 0]>

%x = cnn.input "x" : tensor<1x16x27x27xf32>
%q = cnn.quantize %x : (tensor<1x16x27x27xf32>) -> tensor<1x16x27x27x!cnn.fixed<8>>
%v = cnn.weight "v" : tensor<64x16x1x1xf32>
%vq = cnn.quantize %v : (tensor<64x16x1x1xf32>) -> tensor<64x16x1x1x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<16x128x3x1xf32>
%wq = cnn.quantize %w : (tensor<16x128x3x1xf32>) -> tensor<16x128x3x1x!cnn.fixed<8>>
%a = cnn.conv2d %q, %vq : (tensor<1x16x27x27x!cnn.fixed<8>>, tensor<64x16x1x1x!cnn.fixed<8>>) -> tensor<1x64x27x27x!cnn.fixed<8>>
%b = cnn.conv2d %q, %vq {relu} : (tensor<1x16x27x27x!cnn.fixed<8>>, tensor<64x16x1x1x!cnn.fixed<8>>) -> tensor<1x64x27x27x!cnn.fixed<8>>
%c = cnn.concat %a, %b : (tensor<1x64x27x27x!cnn.fixed<8>>, tensor<1x64x27x27x!cnn.fixed<8>>) -> tensor<1x128x27x27x!cnn.fixed<8>>
%y = cnn.conv2d %c, %wq {strides = [2, 1], pads = [1, 0, 1, 0]} : (tensor<1x128x27x27x!cnn.fixed<8>>, tensor<16x128x3x1x!cnn.fixed<8>>) -> tensor<1x16x14x27x!cnn.fixed<8>>
%r = cnn.dequantize %y : (tensor<1x16x14x27x!cnn.fixed<8>>) -> tensor<1x16x14x27xf32>
cnn.output "y" %r : tensor<1x16x14x27xf32>
