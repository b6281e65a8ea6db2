// convert-tile-to-loop: with three load units, the vMACs of CUs 0 to 2 have others each, so that their loads are no loop.
// RUN: snow-opt %s --machine %S/Inputs/units3.toml -p convert-tile-to-loop | snow-opt --no-debuginfo | filecheck %s

// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.load %p[0] to wbuf0[0] units 12 cus 1 through 0
// CHECK-NEXT:   loop.load %p[12] to wbuf1[0] units 12 cus 1 through 1
// CHECK-NEXT:   loop.load %p[24] to wbuf2[0] units 12 cus 1 through 2
// CHECK-NEXT:   loop.load %p[36] to wbuf3[0] units 12 cus 1 through 0
// CHECK-NEXT:   loop.load %p[48] to wbuf0[0] units 12 cus 2 through 1
// CHECK-NEXT:   loop.load %p[60] to wbuf1[0] units 12 cus 2 through 2
// CHECK-NEXT:   loop.load %p[72] to wbuf2[0] units 12 cus 2 through 0
// CHECK-NEXT:   loop.load %p[84] to wbuf3[0] units 12 cus 2 through 1
// CHECK-NEXT:   loop.load %p[96] to wbuf0[0] units 12 cus 4 through 2
// CHECK-NEXT:   loop.load %p[108] to wbuf1[0] units 12 cus 4 through 0
// CHECK-NEXT:   loop.load %p[120] to wbuf2[0] units 12 cus 4 through 1
// CHECK-NEXT:   loop.load %p[132] to wbuf3[0] units 12 cus 4 through 2
// CHECK-NEXT:   loop.load %p[144] to wbuf0[0] units 12 cus 8 through 0
// CHECK-NEXT:   loop.load %p[156] to wbuf1[0] units 12 cus 8 through 1
// CHECK-NEXT:   loop.load %p[168] to wbuf2[0] units 12 cus 8 through 2
// CHECK-NEXT:   loop.load %p[180] to wbuf3[0] units 12 cus 8 through 0
// CHECK-NEXT: }
%wf = cnn.weight "w" : tensor<32x16x3x3xf32>
%w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 4, share 8, vmacs 4, line 16, steps 2, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
tile.layer "conv2d" {
  %k = tile.buffer words 384 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 to %k slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}
