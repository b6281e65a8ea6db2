// Convolutions and linear layers of every kind, from the network to traces and from these to instructions.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-choose-schedule,convert-cnn-to-tile,tile-assign-addresses,convert-tile-to-loop | filecheck %s --check-prefix=LOOP
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-choose-schedule,convert-cnn-to-tile,tile-assign-addresses,convert-tile-to-loop,convert-loop-to-snowflake | grep -E 'snowflake.(program|for|vmov|mac|max|tmov|config done)' | filecheck %s --check-prefix=SNOW

// A kernel of 1x1 over 32 channels: one trace of a pixel, two lines, for each output. Four steps give every vMAC of each CU
// four of the 16 channels; a CU has one row.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 128] cus 15 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 32] wbuf[[[I1]] * 64 + 16] words 32 cus 15 vmacs 15 last relu
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 3 to {{%[^[]+}}[6] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 4 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 32, last, relu{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x32x1x1xf32>) -> tensor<16x32x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 4, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x4x4x!cnn.fixed<8>>, tensor<16x32x1x1x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// A kernel of 11x11 with a stride of 4 over packed pixels of 3 words: traces of a kernel row, 33 words, which are 4 pixels
// apart in the next column. Two rows and columns of padding above and to the left: nine kernel rows in the first CU, 27
// words in the first column. The two rows that only the others have come first, those of all CUs in a loop, since more than
// four traces do; the last of them ends the output.
// LOOP:      loop.start indp wbuf[0] to mbuf[1056] cus 15 vmacs 1
// LOOP-NEXT: loop.mac indp mbuf[0] wbuf[112] words 27 cus 14 vmacs 1
// LOOP-NEXT: loop.mac indp mbuf[96] wbuf[640] words 27 cus 14 vmacs 1
// LOOP-NEXT: loop.for [[I0:%[^ ]+]] = 0 to 8 {
// LOOP-NEXT:   loop.mac indp mbuf[[[I0]] * 96 + 192] wbuf[[[I0]] * 528 + 1168] words 27 cus 15 vmacs 1
// LOOP-NEXT: }
// LOOP-NEXT: loop.mac indp mbuf[960] wbuf[5392] words 27 cus 15 vmacs 1 last
// LOOP-NEXT: loop.for [[I2:%[^ ]+]] = 1 to 4 {
// LOOP-NEXT:   loop.start indp wbuf[0] to mbuf[[[I2]] * 16 + 1056] cus 15 vmacs 1
// LOOP-NEXT:   loop.mac indp mbuf[[[I2]] * 12 + -6] wbuf[16] words 33 cus 14 vmacs 1
// LOOP-NEXT:   loop.mac indp mbuf[[[I2]] * 12 + 90] wbuf[544] words 33 cus 14 vmacs 1
// LOOP-NEXT:   loop.for [[I3:%[^ ]+]] = 0 to 8 {
// LOOP-NEXT:     loop.mac indp mbuf[[[I2]] * 12 + [[I3]] * 96 + 186] wbuf[[[I3]] * 528 + 1072] words 33 cus 15 vmacs 1
// LOOP-NEXT:   }
// LOOP-NEXT:   loop.mac indp mbuf[[[I2]] * 12 + 954] wbuf[5296] words 33 cus 15 vmacs 1 last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[1056] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[1056] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[1056] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[1056] cu 3 to {{%[^[]+}}[6] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.vmov indp {{.*}}, 1{{$}}
// SNOW-NEXT: snowflake.mac indp {{.*}}, 27{{$}}
// SNOW-NEXT: snowflake.mac indp {{.*}}, 27{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 8 {
// SNOW-NEXT:   snowflake.mac indp {{.*}}, 27{{$}}
// SNOW-NEXT: snowflake.mac indp {{.*}}, 27, last{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 3 {
// SNOW-NEXT:   snowflake.vmov indp {{.*}}, 1{{$}}
// SNOW-NEXT:   snowflake.mac indp {{.*}}, 33{{$}}
// SNOW-NEXT:   snowflake.mac indp {{.*}}, 33{{$}}
// SNOW-NEXT:   snowflake.for {{.*}} times 8 {
// SNOW-NEXT:     snowflake.mac indp {{.*}}, 33{{$}}
// SNOW-NEXT:   snowflake.mac indp {{.*}}, 33, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x3x23x23x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x3x11x11xf32>
  %w = cnn.quantize %wf : (tensor<16x3x11x11xf32>) -> tensor<16x3x11x11x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {strides = [4, 4], pads = [2, 2, 0, 0]} attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 1, columns 4, maps_rows 4, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x3x23x23x!cnn.fixed<8>>, tensor<16x3x11x11x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Strides of 2 rows and 3 columns: windows are 48 words and 256 words apart, results 16 and 32. The last CU has one row.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 192] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 640] cus 15 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 48] wbuf[[[I1]] * 192 + 16] words 48 cus 15 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 48 + 128] wbuf[[[I1]] * 192 + 64] words 48 cus 15 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 48 + 256] wbuf[[[I1]] * 192 + 112] words 48 cus 15 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT:   loop.for [[I2:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 192] to mbuf[[[I2]] * 16 + [[I1]] * 4 + 672] cus 7 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I2]] * 48 + 256] wbuf[[[I1]] * 192 + 16] words 48 cus 7 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I2]] * 48 + 384] wbuf[[[I1]] * 192 + 64] words 48 cus 7 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I2]] * 48 + 512] wbuf[[[I1]] * 192 + 112] words 48 cus 7 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[640] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[640] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[640] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[640] cu 3 to {{%[^[]+}}[6] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48, last{{$}}
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 48, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {strides = [2, 3]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 2, maps_rows 7, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x7x2x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x16x7x2x!cnn.fixed<8>>) -> ()
}

// -----

// Two groups of 64 channels: a kernel sees half of a pixel, so every kernel column has a trace of its own. The second
// half begins at word 64 of a pixel, in maps and result, and its kernels are in the other bank. They follow the first
// column of the first half.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 16 {
// LOOP-NEXT:   loop.start coop wbuf[[[I0]] * 320] to mbuf[[[I0]] * 4 + 1024] cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[0] wbuf[[[I0]] * 320 + 16] words 64 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[128] wbuf[[[I0]] * 320 + 80] words 64 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[512] wbuf[[[I0]] * 320 + 144] words 64 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[640] wbuf[[[I0]] * 320 + 208] words 64 cus 1 vmacs 15 last
// LOOP-NEXT: }
// LOOP:      loop.for [[I2:%[^ ]+]] = 0 to 16 {
// LOOP-NEXT:   loop.for [[I1:%[^ ]+]] = 1 to 3 {
// LOOP-NEXT:     loop.start coop wbuf[[[I2]] * 320] to mbuf[[[I1]] * 128 + [[I2]] * 4 + 1024] cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128] wbuf[[[I2]] * 320 + 16] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 128] wbuf[[[I2]] * 320 + 80] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 512] wbuf[[[I2]] * 320 + 144] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 640] wbuf[[[I2]] * 320 + 208] words 64 cus 1 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP-NEXT: loop.for [[I4:%[^ ]+]] = 0 to 16 {
// LOOP-NEXT:   loop.for [[I3:%[^ ]+]] = 0 to 3 {
// LOOP-NEXT:     loop.start coop wbuf[[[I4]] * 320 + 8192] to mbuf[[[I3]] * 128 + [[I4]] * 4 + 1088] cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I3]] * 128 + 64] wbuf[[[I4]] * 320 + 8208] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I3]] * 128 + 192] wbuf[[[I4]] * 320 + 8272] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I3]] * 128 + 576] wbuf[[[I4]] * 320 + 8336] words 64 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I3]] * 128 + 704] wbuf[[[I4]] * 320 + 8400] words 64 cus 1 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[1024] cu 0 to {{%[^[]+}}[0] units 12
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 16 {
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 16 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 16 {
// SNOW-NEXT:   snowflake.for {{.*}} times 3 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 12
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x128x2x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x64x2x2xf32>
  %w = cnn.quantize %wf : (tensor<128x64x2x2xf32>) -> tensor<128x64x2x2x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {groups = 2} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 3, maps_rows 1, steps 16, parts 1, maps_slots 1, weights_slots 2, result_slots 1, result_tiles 2, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x128x2x4x!cnn.fixed<8>>, tensor<128x64x2x2x!cnn.fixed<8>>) -> tensor<1x128x1x3x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x128x1x3x!cnn.fixed<8>>) -> ()
}

// -----

// A depthwise convolution of few channels sees all of the pixel, with zeros for all channels but one, so that the pixels
// of a kernel row are one trace.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 8 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 3 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 128] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 128] cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 32] wbuf[[[I1]] * 128 + 16] words 64 cus 1 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 3
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 8 {
// SNOW-NEXT:   snowflake.for {{.*}} times 3 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 3
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x1x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x1x1x2xf32>
  %w = cnn.quantize %wf : (tensor<32x1x1x2xf32>) -> tensor<32x1x1x2x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {groups = 32} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 3, maps_rows 1, steps 8, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x1x4x!cnn.fixed<8>>, tensor<32x1x1x2x!cnn.fixed<8>>) -> tensor<1x32x1x3x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x32x1x3x!cnn.fixed<8>>) -> ()
}

// -----

// Dilation by 3: the taps of a kernel row are 3 pixels, 48 words, apart, its rows 3 rows, 480 words.
// LOOP:      loop.for [[I2:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.for [[I1:%[^ ]+]] = 0 to 6 {
// LOOP-NEXT:       loop.start coop wbuf[[[I2]] * 128] to mbuf[[[I0]] * 96 + [[I1]] * 16 + [[I2]] * 4 + 800] cus 7 vmacs 15
// LOOP-NEXT:       loop.mac coop mbuf[[[I0]] * 160 + [[I1]] * 16] wbuf[[[I2]] * 128 + 16] words 16 cus 7 vmacs 15
// LOOP-NEXT:       loop.mac coop mbuf[[[I0]] * 160 + [[I1]] * 16 + 480] wbuf[[[I2]] * 128 + 48] words 16 cus 7 vmacs 15
// LOOP-NEXT:       loop.mac coop mbuf[[[I0]] * 160 + [[I1]] * 16 + 48] wbuf[[[I2]] * 128 + 32] words 16 cus 7 vmacs 15
// LOOP-NEXT:       loop.mac coop mbuf[[[I0]] * 160 + [[I1]] * 16 + 528] wbuf[[[I2]] * 128 + 64] words 16 cus 7 vmacs 15 last
// LOOP-NEXT:     }
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[800] cu 0 to {{%[^[]+}}[0] units 6
// LOOP-NEXT: loop.store mbuf[800] cu 1 to {{%[^[]+}}[6] units 6
// LOOP-NEXT: loop.store mbuf[800] cu 2 to {{%[^[]+}}[12] units 6
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.for {{.*}} times 6 {
// SNOW-NEXT:       snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:       snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:       snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:       snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:       snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 6
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 6
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 6
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x9x9x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x2x2xf32>
  %w = cnn.quantize %wf : (tensor<16x16x2x2xf32>) -> tensor<16x16x2x2x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {dilations = [3, 3]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 6, maps_rows 6, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x9x9x!cnn.fixed<8>>, tensor<16x16x2x2x!cnn.fixed<8>>) -> tensor<1x16x6x6x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x16x6x6x!cnn.fixed<8>>) -> ()
}

// -----

// A residual: it starts the accumulators behind the bias, a VMOV with `add`, and the trace ends the output.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 128] cus 15 vmacs 15
// LOOP-NEXT:     loop.start coop mbuf[[[I0]] * 16 + [[I1]] * 4 + 64] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 128] cus 15 vmacs 15 add alt
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 16] wbuf[[[I1]] * 64 + 16] words 16 cus 15 vmacs 15 last relu
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 3 to {{%[^[]+}}[6] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 4 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15, bypass, add, alt{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16, last, relu{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %r = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x16x1x1xf32>) -> tensor<16x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w residual %r {relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 4, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<16x16x1x1x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("conv")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// A linear layer whose weights stream past its maps: kernels shared out over the CUs, four tiles of them in turn in both
// banks, loaded in loops over CUs. 16 channels of a CU are half a transfer: those of every second one move behind those of
// the CU before it.
// LOOP:      loop.for [[C:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.load {{%[^[]+}}[[[C]] * 24] to wbuf0[0] units 6 cus 1 shifted [[C]] through 0
// LOOP:      loop.start coop wbuf[0] to mbuf[128] cus 15 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[16] words 64 cus 15 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[64] wbuf[80] words 64 cus 15 vmacs 15 last relu
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP:        loop.start coop wbuf[[[I0]] mod 2 * -8192 + 8192] to mbuf[[[I0]] * 4 + 132] cus 15 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[0] wbuf[[[I0]] mod 2 * -8192 + 8208] words 64 cus 15 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[64] wbuf[[[I0]] mod 2 * -8192 + 8272] words 64 cus 15 vmacs 15 last relu
// LOOP:      }
// LOOP:      loop.start coop wbuf[8192] to mbuf[140] cus 15 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[8208] words 64 cus 15 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[64] wbuf[8272] words 64 cus 15 vmacs 15 last relu
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 1
// LOOP-NEXT: loop.store mbuf[128] cu 2 to {{%[^[]+}}[1] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64, last, relu{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT: snowflake.for {{.*}} times 2 {
// SNOW-NEXT:   snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64, last, relu{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64, last, relu{{$}}
// SNOW-NEXT: snowflake.tmov cluster {{.*}}, 1
// SNOW-NEXT: snowflake.tmov cluster {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x128xf32>
  %w = cnn.quantize %wf : (tensor<64x128xf32>) -> tensor<64x128x!cnn.fixed<8>>
  %y = cnn.linear %x, %w {relu, tile.schedule = #tile.schedule<coop, kernels, mloop, rows 1, columns 1, maps_rows 1, steps 1, parts 1, maps_slots 1, weights_slots 2, result_slots 1, result_tiles 4, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x2x2x!cnn.fixed<8>>, tensor<64x128x!cnn.fixed<8>>) -> tensor<1x64x!cnn.fixed<8>> loc("scores")
  "test.op"(%y) : (tensor<1x64x!cnn.fixed<8>>) -> ()
}

// -----

// A kernel in two parts, one a bank: the output stays in its accumulators from the trace of the first part to that of the
// second, which ends it.
// LOOP:      loop.start coop wbuf[0] to mbuf[128] cus 15 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[16] words 64 cus 15 vmacs 15
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 3 {
// LOOP:        loop.mac coop mbuf[64] wbuf[8208] words 64 cus 15 vmacs 15 last
// LOOP:        loop.start coop wbuf[0] to mbuf[[[I0]] * 4 + 132] cus 15 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[0] wbuf[16] words 64 cus 15 vmacs 15
// LOOP:      }
// LOOP:      loop.mac coop mbuf[64] wbuf[8208] words 64 cus 15 vmacs 15 last
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 1
// LOOP-NEXT: loop.store mbuf[128] cu 2 to {{%[^[]+}}[1] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT: snowflake.for {{.*}} times 3 {
// SNOW-NEXT:   snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT:   snowflake.for {{.*}} times 4 iter_args
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 64{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 64, last{{$}}
// SNOW-NEXT: snowflake.tmov cluster {{.*}}, 1
// SNOW-NEXT: snowflake.tmov cluster {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x128xf32>
  %w = cnn.quantize %wf : (tensor<64x128xf32>) -> tensor<64x128x!cnn.fixed<8>>
  %y = cnn.linear %x, %w {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 1, columns 1, maps_rows 1, steps 1, parts 2, maps_slots 1, weights_slots 2, result_slots 1, result_tiles 4, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x2x2x!cnn.fixed<8>>, tensor<64x128x!cnn.fixed<8>>) -> tensor<1x64x!cnn.fixed<8>> loc("scores")
  "test.op"(%y) : (tensor<1x64x!cnn.fixed<8>>) -> ()
}
