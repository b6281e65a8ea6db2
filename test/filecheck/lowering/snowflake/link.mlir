// snowflake-link: programs between which the host does nothing become one. Labels are made unique, every register is
// named once, and of the ends the last one is left.
// RUN: snow-opt %s --machine zc706 -p snowflake-link | snow-opt --no-debuginfo | filecheck %s

snowflake.program scheduled at 64 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %first = snowflake.mov -2 : -> r1
  snowflake.label @loop0
  %step = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.ble %r1, %r0, @loop0 : r1, r0
  snowflake.config result_shift, 1
  snowflake.config result_shift, 2
  snowflake.config result_shift, 3
  snowflake.config result_shift, 4
  snowflake.config done, 0
}
%b = tile.region "b" at 1 : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]>
snowflake.program scheduled at 64 {
  %r1 = snowflake.get_register r1
  %r2 = snowflake.get_register r2
  snowflake.for %i times 3 : r3 {
    snowflake.label @loop0
    snowflake.beq %r1, %r2, @loop0 : r1, r2
    snowflake.config result_shift, 5
    snowflake.config result_shift, 6
    snowflake.config result_shift, 7
    snowflake.config result_shift, 8
  }
  snowflake.config done, 0
}
%r = tile.read %b : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [32 at 0]> to tensor<1x32x1x1x!cnn.fixed<8>>
snowflake.program scheduled at 64 {
  snowflake.label @loop0
  snowflake.config done, 0
}

// CHECK:      %b = tile.region "b" at 1
// CHECK-NEXT: snowflake.program scheduled at 64 {
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %first = snowflake.mov -2 : -> r1
// CHECK-NEXT:   snowflake.label @loop0
// CHECK-NEXT:   %step = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @loop0 : r1, r0
// CHECK-NEXT:   snowflake.config result_shift, 1
// CHECK-NEXT:   snowflake.config result_shift, 2
// CHECK-NEXT:   snowflake.config result_shift, 3
// CHECK-NEXT:   snowflake.config result_shift, 4
// CHECK-NEXT:   snowflake.for %i times 3 : r3 {
// CHECK-NEXT:     snowflake.label @loop1
// CHECK-NEXT:     snowflake.beq %r1, %r2, @loop1 : r1, r2
// CHECK-NEXT:     snowflake.config result_shift, 5
// CHECK-NEXT:     snowflake.config result_shift, 6
// CHECK-NEXT:     snowflake.config result_shift, 7
// CHECK-NEXT:     snowflake.config result_shift, 8
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: %r = tile.read
// CHECK-NEXT: snowflake.program scheduled at 64 {
// CHECK-NEXT:   snowflake.label @loop0
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
