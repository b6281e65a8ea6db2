// What moves or computes a tile gets its name; what belongs to the whole layer keeps that of the layer alone.
// RUN: snow-opt %s -p "cnn-choose-schedule{mode=coop split=rows order=mloop},convert-cnn-to-tile,tile-assign-addresses,tile-prefetch,tile-split-borders,tile-name-tiles" | filecheck %s --check-prefix=ROWS
// RUN: snow-opt %s -p "cnn-choose-schedule{mode=coop split=kernels order=kloop},convert-cnn-to-tile,tile-assign-addresses,tile-prefetch,tile-split-borders,tile-name-tiles" | filecheck %s --check-prefix=KERNELS

// Where CUs have rows of their own, those of the first one, and how far apart the CUs are.
// ROWS: tile.buffer {{.*}} loc("conv"){{$}}
// ROWS: tile.load {{.*}} loc("conv"("input rows -1 to {{[0-9]+}}, +8 per CU"))
// ROWS: tile.load_weights {{.*}} loc("conv"("kernel tiles 0 to 1"))
// ROWS: tile.conv {{.*}} loc("conv"("rows 0 to {{[0-9]+}}, +8 per CU; channels 0 to {{[0-9]+}}"))
// ROWS: tile.store {{.*}} loc("conv"("rows {{[0-9]+}} to 8, +8 per CU"))

// What stands in a loop is for all of its tiles.
// KERNELS: tile.for
// KERNELS: tile.conv {{.*}} loc("conv"("rows 4 to 24; channels 0 to 32, +32 per CU"))
// KERNELS: tile.store {{.*}} loc("conv"("rows 4 to 24"))
module {
  %x = cnn.input "input" : tensor<1x64x32x32xf32>
  %q = cnn.quantize %x : (tensor<1x64x32x32xf32>) -> tensor<1x64x32x32x!cnn.fixed<8>> loc("input")
  %w = cnn.weight "w" : tensor<64x64x3x3xf32>
  %v = cnn.quantize %w : (tensor<64x64x3x3xf32>) -> tensor<64x64x3x3x!cnn.fixed<8>> loc("conv")
  %y = cnn.conv2d %q, %v {pads = [1, 1, 1, 1]} : (tensor<1x64x32x32x!cnn.fixed<8>>, tensor<64x64x3x3x!cnn.fixed<8>>) -> tensor<1x64x32x32x!cnn.fixed<8>> loc("conv")
  %r = cnn.dequantize %y : (tensor<1x64x32x32x!cnn.fixed<8>>) -> tensor<1x64x32x32xf32> loc("conv")
  cnn.output "output" %r : tensor<1x64x32x32xf32>
}
