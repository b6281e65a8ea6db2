// The lowest and the highest sum that a layer can have, from weights and the range of the input.
// RUN: snow-opt %s -p cnn-bound-accumulators | filecheck %s
// RUN: snow-opt %s -p 'cnn-bound-accumulators{input-range=-1.0,2.0},cnn-choose-schedule,cnn-describe-layers' | filecheck %s --check-prefix RANGE
// RUN: not snow-opt %s -p 'cnn-bound-accumulators{input-range=2.0}' 2>&1 | filecheck %s --check-prefix ERROR
// ERROR: error: cnn-bound-accumulators: input-range must be LOW,HIGH, is 2.0
// CHECK-NOT: snow.layers
// RANGE: snow.layers = [{name = "conv", kind = "conv2d", {{[^}]*}} can_wrap = false,
// RANGE-SAME: {name = "wide", kind = "conv2d", {{[^}]*}} can_wrap = false,{{.*}} {name = "mean", kind = "avg_pool", macs = 0 : i64, can_wrap = false,
%x = cnn.input "x" : tensor<1x2x4x4xf32>
%q = cnn.quantize %x : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4x!cnn.fixed<8>> loc("x")
%f = cnn.constant dense<[[[[1.0]], [[-3.0]]], [[[0.5]], [[0.0]]]]> : tensor<2x2x1x1xf32>
%w = cnn.quantize %f : (tensor<2x2x1x1xf32>) -> tensor<2x2x1x1x!cnn.fixed<8>> loc("conv")
%g = cnn.constant dense<[1.0, 0.0]> : tensor<2xf32>
%b = cnn.quantize %g : (tensor<2xf32>) -> tensor<2x!cnn.fixed<8>> loc("conv")

// 256 * (-32768) + 768 * (-32767) + 65536 and 256 * 32767 + 768 * 32768 + 65536; each in words of -1 to 2: -256 to 512.
// CHECK: cnn.conv2d {{.*}} attributes {cnn.accumulator_range = array<i64: -33488128, 33619712>}
// RANGE: cnn.conv2d {{.*}} attributes {cnn.accumulator_range = array<i64: -393216, 393216>
%y = cnn.conv2d %q, %w bias %b {relu} : (tensor<1x2x4x4x!cnn.fixed<8>>, tensor<2x2x1x1x!cnn.fixed<8>>, tensor<2x!cnn.fixed<8>>) -> tensor<1x2x4x4x!cnn.fixed<8>> loc("conv")

// Words after ReLU: 0 to 32767 and 0 to 16384, times 9 * 32512 their sum is outside 32 bits; or 0 to 1536 and 0 to 256.
// CHECK: cnn.conv2d {{.*}} attributes {cnn.accumulator_range = array<i64: 0, 14381975808>}
// RANGE: cnn.conv2d {{.*}} attributes {cnn.accumulator_range = array<i64: 0, 524353536>
%h = cnn.constant dense<127.0> : tensor<1x2x3x3xf32>
%v = cnn.quantize %h : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3x!cnn.fixed<8>> loc("wide")
%z = cnn.conv2d %y, %v : (tensor<1x2x4x4x!cnn.fixed<8>>, tensor<1x2x3x3x!cnn.fixed<8>>) -> tensor<1x1x2x2x!cnn.fixed<8>> loc("wide")

// All words, since sums can wrap, times four weights of 2^13: 1/4.
// CHECK: cnn.avg_pool {{.*}} attributes {cnn.accumulator_range = array<i64: -1073741824, 1073709056>}
%m = cnn.avg_pool %z {kernel = [2, 2]} : (tensor<1x1x2x2x!cnn.fixed<8>>) -> tensor<1x1x1x1x!cnn.fixed<8>> loc("mean")
%d = cnn.dequantize %m : (tensor<1x1x1x1x!cnn.fixed<8>>) -> tensor<1x1x1x1xf32> loc("mean")

// Products of words: -32768 * 32767 and 32768 * 32768; or 0 and 512 * 512, or -256 * 512.
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: -1073709056, 1073741824>}
// RANGE: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: -131072, 262144>}
%p = cnn.multiply %q, %q : (tensor<1x2x4x4x!cnn.fixed<8>>, tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x2x4x4x!cnn.fixed<8>> loc("product")
// Channel 1 of the result of conv has words of 0 to 16384, or 0 to 256; squared.
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 268435456>}
// RANGE: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 65536>}
%o = cnn.gather %y {offset = 1, sizes = [1]} : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("one")
%between = cnn.interpolate %o {sizes = [8, 4], steps = [1, 1], units = [2, 1]} : (tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("between")
%chosen = cnn.sample %between {offsets = [0, -1], sizes = [8, 4]} : (tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("chosen")
%k = cnn.upsample %chosen {factors = [1, 1]} : (tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("up")
%t = cnn.multiply %k, %k : (tensor<1x1x8x4x!cnn.fixed<8>>, tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("square")

// Pixels of either channel, of both, and each by itself again.
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 1073676289>}
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 268435456>}
%pixels = cnn.depth_to_space %y {block = [2, 1]} : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("both")
%pixels_squared = cnn.multiply %pixels, %pixels : (tensor<1x1x8x4x!cnn.fixed<8>>, tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4x!cnn.fixed<8>> loc("of both")
%channels = cnn.space_to_depth %o {block = [2, 2], blocks_first} : (tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x4x2x2x!cnn.fixed<8>> loc("depth")
%channels_squared = cnn.multiply %channels, %channels : (tensor<1x4x2x2x!cnn.fixed<8>>, tensor<1x4x2x2x!cnn.fixed<8>>) -> tensor<1x4x2x2x!cnn.fixed<8>> loc("of depth")
// The largest word, and the mean, of both channels lie where either does: 0 to 32767, or 0 to 1536; times channels of their own.
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 1073676289>}
// RANGE: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 2359296>}
%most = cnn.channel_max %y : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("most")
%middle = cnn.channel_mean %y : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("middle")
%attention = cnn.multiply %most, %middle : (tensor<1x1x4x4x!cnn.fixed<8>>, tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("attention")
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 1073676289>}
%attended = cnn.multiply %y, %middle : (tensor<1x2x4x4x!cnn.fixed<8>>, tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x2x4x4x!cnn.fixed<8>> loc("attended")
// Of channels that become rows, any word may be in each channel of the result; of others, those of its own.
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 1073676289>}
// CHECK: cnn.multiply {{.*}} {cnn.accumulator_range = array<i64: 0, 268435456>}
%turned = cnn.transpose %y {order = [0, 2, 1, 3]} : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x4x2x4x!cnn.fixed<8>> loc("turned")
%turned_squared = cnn.multiply %turned, %turned : (tensor<1x4x2x4x!cnn.fixed<8>>, tensor<1x4x2x4x!cnn.fixed<8>>) -> tensor<1x4x2x4x!cnn.fixed<8>> loc("of turned")
%turned_out = cnn.dequantize %turned_squared : (tensor<1x4x2x4x!cnn.fixed<8>>) -> tensor<1x4x2x4xf32> loc("of turned")
cnn.output "turned" %turned_out : tensor<1x4x2x4xf32>
%kept = cnn.transpose %o {order = [0, 1, 3, 2]} : (tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("kept")
%kept_squared = cnn.multiply %kept, %kept : (tensor<1x1x4x4x!cnn.fixed<8>>, tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4x!cnn.fixed<8>> loc("of kept")
%kept_out = cnn.dequantize %kept_squared : (tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4xf32> loc("of kept")
cnn.output "kept" %kept_out : tensor<1x1x4x4xf32>
%attention_out = cnn.dequantize %attention : (tensor<1x1x4x4x!cnn.fixed<8>>) -> tensor<1x1x4x4xf32> loc("attention")
%attended_out = cnn.dequantize %attended : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x2x4x4xf32> loc("attended")
cnn.output "attention" %attention_out : tensor<1x1x4x4xf32>
cnn.output "attended" %attended_out : tensor<1x2x4x4xf32>
%u = cnn.dequantize %pixels_squared : (tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4xf32> loc("of both")
%i = cnn.dequantize %channels_squared : (tensor<1x4x2x2x!cnn.fixed<8>>) -> tensor<1x4x2x2xf32> loc("of depth")
cnn.output "u" %u : tensor<1x1x8x4xf32>
cnn.output "i" %i : tensor<1x4x2x2xf32>
%s = cnn.dequantize %t : (tensor<1x1x8x4x!cnn.fixed<8>>) -> tensor<1x1x8x4xf32> loc("square")
%e = cnn.dequantize %p : (tensor<1x2x4x4x!cnn.fixed<8>>) -> tensor<1x2x4x4xf32> loc("product")
cnn.output "y" %d : tensor<1x1x1x1xf32>
cnn.output "s" %s : tensor<1x1x8x4xf32>
cnn.output "p" %e : tensor<1x2x4x4xf32>
