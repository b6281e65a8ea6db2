// cnn-place-concats: what cannot be computed straight into its place in a concatenation is copied there.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-place-concats | filecheck %s

// Parts that nobody else places have a place already.
// CHECK:      %a = cnn.max_pool %x
// CHECK-NEXT: %b = cnn.relu %x
// CHECK-NEXT: %y = cnn.concat %a, %b :
%x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
%a = cnn.max_pool %x {kernel = [1, 1]} : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
%b = cnn.relu %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
%y = cnn.concat %a, %b : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()

// -----

// A value has one place: another use of it is of a copy.
// CHECK:      [[COPY:%.*]] = cnn.rescale %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: %y = cnn.concat [[COPY]], %x :
%x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
%y = cnn.concat %x, %x : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()

// -----

// So is one of two uses in concatenations, and a concatenation itself.
// CHECK:      [[A:%.*]] = cnn.rescale %a
// CHECK-NEXT: %inner = cnn.concat [[A]], %b :
// CHECK-NEXT: [[INNER:%.*]] = cnn.rescale %inner
// CHECK-NEXT: %outer = cnn.concat %a, [[INNER]] :
%a = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
%b = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
%inner = cnn.concat %a, %b : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>>
%outer = cnn.concat %a, %inner : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x48x4x4x!cnn.fixed<8>>
"test.op"(%outer) : (tensor<1x48x4x4x!cnn.fixed<8>>) -> ()

// -----

// A concatenation that begins with all parts of an earlier one begins with a copy of that: of the one of most parts.
// CHECK:      %two = cnn.concat %a, %b :
// CHECK-NEXT: [[TWO:%.*]] = cnn.rescale %two
// CHECK-NEXT: %three = cnn.concat [[TWO]], %c :
// CHECK-NEXT: [[THREE:%.*]] = cnn.rescale %three
// CHECK-NEXT: %four = cnn.concat [[THREE]], %d :
%a = "test.op"() : () -> tensor<1x64x4x4x!cnn.fixed<8>>
%b = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
%c = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
%d = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
%two = cnn.concat %a, %b : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x96x4x4x!cnn.fixed<8>>
%three = cnn.concat %a, %b, %c : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>>
%four = cnn.concat %a, %b, %c, %d : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x160x4x4x!cnn.fixed<8>>
"test.op"(%two, %three, %four) : (tensor<1x96x4x4x!cnn.fixed<8>>, tensor<1x128x4x4x!cnn.fixed<8>>, tensor<1x160x4x4x!cnn.fixed<8>>) -> ()

// -----

// Not where there are gaps between channels, which the copy has none of.
// CHECK:      [[A:%.*]] = cnn.rescale %a
// CHECK-NEXT: [[B:%.*]] = cnn.rescale %b
// CHECK-NEXT: %two = cnn.concat [[A]], [[B]] :
// CHECK-NEXT: %three = cnn.concat %a, %b, %c :
%a = "test.op"() : () -> tensor<1x48x4x4x!cnn.fixed<8>>
%b = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
%c = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
%two = cnn.concat %a, %b : (tensor<1x48x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x80x4x4x!cnn.fixed<8>>
%three = cnn.concat %a, %b, %c : (tensor<1x48x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x112x4x4x!cnn.fixed<8>>
"test.op"(%two, %three) : (tensor<1x80x4x4x!cnn.fixed<8>>, tensor<1x112x4x4x!cnn.fixed<8>>) -> ()

// -----

// A residual without gaps between its channels is what a convolution adds.
// CHECK:      %s = cnn.concat %a, %b :
// CHECK-NEXT: [[COPY:%.*]] = cnn.rescale %s
// CHECK-NEXT: %y = cnn.conv2d %a, %w residual [[COPY]] :
%a = "test.op"() : () -> tensor<1x8x4x4x!cnn.fixed<8>>
%b = "test.op"() : () -> tensor<1x8x4x4x!cnn.fixed<8>>
%f = cnn.weight "w" : tensor<16x8x1x1xf32>
%w = cnn.quantize %f : (tensor<16x8x1x1xf32>) -> tensor<16x8x1x1x!cnn.fixed<8>>
%s = cnn.concat %a, %b : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<1x8x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
%y = cnn.conv2d %a, %w residual %s : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<16x8x1x1x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()

// -----

// The input of the convolution may be the same tensor: it has no need of a copy.
// CHECK:      %s = cnn.concat %a, %b :
// CHECK-NEXT: [[COPY:%.*]] = cnn.rescale %s
// CHECK-NEXT: %y = cnn.conv2d %s, %w residual [[COPY]] :
%a = "test.op"() : () -> tensor<1x8x4x4x!cnn.fixed<8>>
%b = "test.op"() : () -> tensor<1x8x4x4x!cnn.fixed<8>>
%f = cnn.weight "w" : tensor<16x16x1x1xf32>
%w = cnn.quantize %f : (tensor<16x16x1x1xf32>) -> tensor<16x16x1x1x!cnn.fixed<8>>
%s = cnn.concat %a, %b : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<1x8x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
%y = cnn.conv2d %s, %w residual %s : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<16x16x1x1x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()

// -----

// The host concatenates numbers by itself.
// CHECK-NOT: cnn.rescale
// CHECK:     %y = cnn.concat %x, %x :
%x = "test.op"() : () -> tensor<1x16x4x4xf32>
%y = cnn.concat %x, %x : (tensor<1x16x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x32x4x4xf32>
"test.op"(%y) : (tensor<1x32x4x4xf32>) -> ()
