// cnn-choose-schedule: mode, split, order and tile sizes as attributes, and the machine that they are for.
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{mode=indp order=kloop}" | filecheck %s --check-prefix=INDP
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{split=kernels rows=1}" | filecheck %s --check-prefix=KERNELS
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{schedule=paper}" | filecheck %s --check-prefix=PAPER
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{slots=1 fused=0 timed=false}" | filecheck %s --check-prefix=SINGLE
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule,cnn-choose-schedule{mode=indp}" | filecheck %s
// RUN: not snow-opt %s -p "cnn-choose-schedule{mode=solo}" 2>&1 | filecheck %s --check-prefix=MODE
// RUN: not snow-opt %s -p "cnn-choose-schedule{order=loop}" 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not snow-opt %s -p "cnn-choose-schedule{schedule=fast}" 2>&1 | filecheck %s --check-prefix=SCHEDULE
// RUN: not snow-opt %s -p "cnn-choose-schedule{input-layout=tidy}" 2>&1 | filecheck %s --check-prefix=LAYOUT
// RUN: not snow-opt %s -p "cnn-choose-schedule{rows=0}" 2>&1 | filecheck %s --check-prefix=ROWS
// RUN: not snow-opt %s -p "cnn-choose-schedule{slots=3}" 2>&1 | filecheck %s --check-prefix=SLOTS
// RUN: not snow-opt %s -p "cnn-choose-schedule{fused=2}" 2>&1 | filecheck %s --check-prefix=FUSED
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{pooled=0 timed=false}" | filecheck %s --check-prefix=APART
// RUN: not snow-opt %s -p "cnn-choose-schedule{pooled=2}" 2>&1 | filecheck %s --check-prefix=POOLED
// RUN: not snow-opt %s -p "cnn-choose-schedule{machine=zc707}" 2>&1 | filecheck %s --check-prefix=MACHINE

// The machine is written out: nothing below asks for a file again.
// CHECK: builtin.module attributes {snow.machine = {name = "zc706", clusters = 1 : i64, compute_units = 4 : i64,
// INDP: builtin.module
// KERNELS: builtin.module
// PAPER: builtin.module
// SINGLE: builtin.module
// MODE: error: cnn-choose-schedule: mode must be coop or indp, is solo
// ORDER: error: cnn-choose-schedule: order must be mloop or kloop, is loop
// SCHEDULE: error: cnn-choose-schedule: schedule must be best or paper, is fast
// LAYOUT: error: cnn-choose-schedule: input_layout must be as-is or best, is tidy
// ROWS: error: cnn-choose-schedule: rows must be positive, is 0
// SLOTS: error: cnn-choose-schedule: slots must be 1 or 2, is 3
// FUSED: error: cnn-choose-schedule: fused must be 0 or 1, is 2
// POOLED: error: cnn-choose-schedule: pooled must be 0 or 1, is 2
// MACHINE: error: unknown machine 'zc707' (shipped: onecu, zc706, zc706-200mhz; or give a .toml file)
%x = "test.op"() : () -> tensor<1x64x20x20x!cnn.fixed<8>>
%rgb = "test.op"() : () -> tensor<1x3x20x20xf32>
%three = cnn.quantize %rgb : (tensor<1x3x20x20xf32>) -> tensor<1x3x20x20x!cnn.fixed<8>>
%f = cnn.weight "f" : tensor<128x64x3x3xf32>
%w = cnn.quantize %f : (tensor<128x64x3x3xf32>) -> tensor<128x64x3x3x!cnn.fixed<8>>
%g = cnn.weight "g" : tensor<128x3x3x3xf32>
%v = cnn.quantize %g : (tensor<128x3x3x3xf32>) -> tensor<128x3x3x3x!cnn.fixed<8>>
%h = cnn.weight "h" : tensor<10x12544xf32>
%m = cnn.quantize %h : (tensor<10x12544xf32>) -> tensor<10x12544x!cnn.fixed<8>>

// Maps whose pixels are whole lines: the MACs of a vMAC work together. What is asked for is chosen, where it is legal.
// CHECK: %conv = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, {{rows|kernels}}, {{[mk]loop, rows [0-9]+, columns [0-9]+, maps_rows [0-9]+, steps [0-9]+}}, parts 1, {{maps_slots [12], weights_slots [0-9]+, result_slots [12], result_tiles [0-9]+}}, fused 0, turns 1, biases 0, abreast 1>, tile.estimate = #tile.estimate<cycles {{[0-9]+}}, read {{[0-9]+}}, written 82944>}
// INDP: %conv = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, {{rows|kernels}}, kloop,
// KERNELS: %conv = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, kernels, {{[mk]loop}}, rows 1, columns 18,
// PAPER: %conv = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, {{rows|kernels}}, mloop,
// SINGLE: %conv = cnn.conv2d %x, %w attributes {tile.schedule = {{.*}} maps_slots 1, weights_slots 1, result_slots 1,
%conv = cnn.conv2d %x, %w : (tensor<1x64x20x20x!cnn.fixed<8>>, tensor<128x64x3x3x!cnn.fixed<8>>) -> tensor<1x128x18x18x!cnn.fixed<8>>

// Three packed channels are no whole line: each MAC computes a kernel of its own.
// CHECK: %first = cnn.conv2d %three, %v attributes {tile.schedule = #tile.schedule<indp,
// PAPER: %first = cnn.conv2d %three, %v attributes {tile.schedule = #tile.schedule<indp, rows, mloop,
%first = cnn.conv2d %three, %v : (tensor<1x3x20x20x!cnn.fixed<8>>, tensor<128x3x3x3x!cnn.fixed<8>>) -> tensor<1x128x18x18x!cnn.fixed<8>>

// A schedule that is there already is kept.
// CHECK: %mine = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 1, columns 18, maps_rows 1, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>}
%mine = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 1, columns 18, maps_rows 1, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x64x20x20x!cnn.fixed<8>>, tensor<128x64x3x3x!cnn.fixed<8>>) -> tensor<1x128x18x18x!cnn.fixed<8>>

// A max pool that alone reads the result is computed with it where that is estimated to be faster, and always as the
// paper does it. Rows and columns are then those of the pool.
// CHECK: %tall = cnn.conv2d %x, %w attributes {tile.schedule = {{.*}} fused {{[01]}}, turns 1, biases 0, abreast 1>, tile.estimate
// PAPER: %tall = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, {{rows|kernels}}, mloop, rows {{[0-9]+}}, columns 9, {{.*}} fused 1, turns 0, biases 0, abreast 1>, tile.estimate
// SINGLE: %tall = cnn.conv2d %x, %w attributes {tile.schedule = {{.*}} maps_slots 1, weights_slots 1, result_slots 1, {{.*}} fused 0, turns 1, biases 0, abreast 1>
%tall = cnn.conv2d %x, %w : (tensor<1x64x20x20x!cnn.fixed<8>>, tensor<128x64x3x3x!cnn.fixed<8>>) -> tensor<1x128x18x18x!cnn.fixed<8>>
%pool = cnn.max_pool %tall {kernel = [2, 2], strides = [2, 2]} : (tensor<1x128x18x18x!cnn.fixed<8>>) -> tensor<1x128x9x9x!cnn.fixed<8>>

// A kernel longer than a weights buffer comes in parts, which one output awaits in its accumulator.
// CHECK: %fc = cnn.linear %y, %m {tile.schedule = #tile.schedule<coop, {{rows|kernels}}, mloop, rows 1, columns 1, maps_rows 1, steps 1, parts 2, maps_slots {{[12]}}, weights_slots {{[12]}}, result_slots {{[12]}}, result_tiles {{[0-9]+}}, fused 0, turns 1, biases 0, abreast 1>, tile.estimate
%y = "test.op"() : () -> tensor<1x64x14x14x!cnn.fixed<8>>
%fc = cnn.linear %y, %m : (tensor<1x64x14x14x!cnn.fixed<8>>, tensor<10x12544x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>>

// A max pool whose result one convolution alone reads is computed with that where both together are estimated to be
// faster; never as the paper does it. Its tiles are those of the schedule of the convolution, which shares out rows.
// CHECK: %lone = cnn.max_pool %x {{.*}} attributes {tile.fused}
// CHECK: %proj = cnn.conv2d %lone, %one attributes {tile.schedule = #tile.schedule<{{coop|indp}}, rows, {{.*}}, tile.estimate
// PAPER: %lone = cnn.max_pool %x
// PAPER-NOT: tile.fused
// APART: %lone = cnn.max_pool %x
// APART-NOT: tile.fused
%e = cnn.weight "e" : tensor<64x64x1x1xf32>
%one = cnn.quantize %e : (tensor<64x64x1x1xf32>) -> tensor<64x64x1x1x!cnn.fixed<8>>
%lone = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x64x20x20x!cnn.fixed<8>>) -> tensor<1x64x20x20x!cnn.fixed<8>>
%proj = cnn.conv2d %lone, %one : (tensor<1x64x20x20x!cnn.fixed<8>>, tensor<64x64x1x1x!cnn.fixed<8>>) -> tensor<1x64x20x20x!cnn.fixed<8>>

// What the host computes needs no schedule.
// CHECK: %host = cnn.conv2d %rgb, %g : (tensor<1x3x20x20xf32>
%host = cnn.conv2d %rgb, %g : (tensor<1x3x20x20xf32>, tensor<128x3x3x3xf32>) -> tensor<1x128x18x18xf32>
"test.op"(%proj, %conv, %first, %mine, %pool, %fc, %host) : (tensor<1x64x20x20x!cnn.fixed<8>>, tensor<1x128x18x18x!cnn.fixed<8>>, tensor<1x128x18x18x!cnn.fixed<8>>, tensor<1x128x18x18x!cnn.fixed<8>>, tensor<1x128x9x9x!cnn.fixed<8>>, tensor<1x10x!cnn.fixed<8>>, tensor<1x128x18x18xf32>) -> ()
