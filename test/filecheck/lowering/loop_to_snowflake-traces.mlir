// convert-loop-to-snowflake: every operation on buffers is one instruction; its addresses are words of the machine.
// RUN: snow-opt %s --machine zc706 -p convert-loop-to-snowflake | snow-opt --no-debuginfo | filecheck %s

%x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
%y = tile.region "y" at 192 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>

loop.layer "conv2d" {
  loop.config result_shift = 8
  loop.config bypass_offset = 16 cus 8
  // Memory is addressed in transfers, from the region's address on, which is open.
  // On chip: CUs in bits 31:28, buffer in bits 27:25, the maps buffer is 4: 0xf8000000 + 64, 0x32000000 + 96.
  loop.load %x[24] to mbuf[64] units 2 cus 15 through 1 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  loop.load %x[0] to wbuf1[96] units 1 cus 3 through 0 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  // The source of a bias is a kernel word: 32 * 16 + 15.
  loop.start coop wbuf[32] to mbuf[160] cus 15 vmacs 15
  loop.start coop mbuf[256] to mbuf[160] cus 15 vmacs 15 add alt
  loop.mac coop mbuf[64] wbuf[48] words 32 cus 15 vmacs 15
  loop.mac coop mbuf[64] wbuf[80] words 32 cus 15 vmacs 15 last relu
  loop.start indp mbuf[256] to mbuf[160] cus 1 vmacs 1 last relu
  loop.max mbuf[64] to mbuf[128] count 3 cus 15 first last
  loop.wait mac, load pending 2
  loop.store mbuf[160] cu 1 to %y[8] units 1 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  // Lines from one maps buffer to another, or to the same: 0x28000000 + 160, 0x18000000 + 320.
  loop.move mbuf[160] cu 1 to mbuf[320] cu 0 lines 3
  loop.move mbuf[160] cu 1 to mbuf[96] cu 1 lines 5
} loc("conv1")

// CHECK:      %x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// CHECK-NEXT: %y = tile.region "y" at 192 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// CHECK-NEXT: snowflake.program structured at 256 over %x, %y : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>, !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]> {
// CHECK-NEXT: ^bb0(%0: !snowflake.base, %1: !snowflake.base):
// CHECK-NEXT:   snowflake.config result_shift, 8
// CHECK-NEXT:   snowflake.config bypass_offset, 2097168
// CHECK-NEXT:   %2 = snowflake.address [4160749632]
// CHECK-NEXT:   %3 = snowflake.address %0 [24]
// CHECK-NEXT:   snowflake.ld %2, %3, 2, 1
// CHECK-NEXT:   %4 = snowflake.address [838860896]
// CHECK-NEXT:   %5 = snowflake.address %0 [0]
// CHECK-NEXT:   snowflake.ld %4, %5, 1, 0
// CHECK-NEXT:   %6 = snowflake.address [4160749728]
// CHECK-NEXT:   %7 = snowflake.address [527]
// CHECK-NEXT:   snowflake.vmov coop %6, %7, 15
// CHECK-NEXT:   %8 = snowflake.address [4160749728]
// CHECK-NEXT:   %9 = snowflake.address [4160749824]
// CHECK-NEXT:   snowflake.vmov coop %8, %9, 15, bypass, add, alt
// CHECK-NEXT:   %10 = snowflake.address [4160749632]
// CHECK-NEXT:   %11 = snowflake.address [783]
// CHECK-NEXT:   snowflake.mac coop %10, %11, 32
// CHECK-NEXT:   %12 = snowflake.address [4160749632]
// CHECK-NEXT:   %13 = snowflake.address [1295]
// CHECK-NEXT:   snowflake.mac coop %12, %13, 32, last, relu
// CHECK-NEXT:   %14 = snowflake.address [402653344]
// CHECK-NEXT:   %15 = snowflake.address [402653440]
// CHECK-NEXT:   snowflake.vmov indp %14, %15, 1, bypass, last, relu
// CHECK-NEXT:   %16 = snowflake.address [4160749696]
// CHECK-NEXT:   %17 = snowflake.address [4160749632]
// CHECK-NEXT:   snowflake.max %16, %17, 3, first, last
// CHECK-NEXT:   snowflake.config wait, 2359298
// CHECK-NEXT:   %18 = snowflake.address %1 [8]
// CHECK-NEXT:   %19 = snowflake.address [671088800]
// CHECK-NEXT:   snowflake.tmov memory %18, %19, 1
// CHECK-NEXT:   %20 = snowflake.address [671088800]
// CHECK-NEXT:   %21 = snowflake.address [402653504]
// CHECK-NEXT:   snowflake.tmov cluster %21, %20, 3
// CHECK-NEXT:   %22 = snowflake.address [671088800]
// CHECK-NEXT:   %23 = snowflake.address [671088736]
// CHECK-NEXT:   snowflake.tmov cluster %23, %22, 5
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
