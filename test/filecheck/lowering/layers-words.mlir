// Pools, additions and concatenations, from the network to traces and from these to instructions.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "cnn-choose-schedule,convert-cnn-to-tile{overlap=false},tile-assign-addresses,convert-tile-to-loop" | filecheck %s --check-prefix=LOOP
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "cnn-choose-schedule,convert-cnn-to-tile{overlap=false},tile-assign-addresses,convert-tile-to-loop,convert-loop-to-snowflake" | grep -E 'snowflake.(program|for|vmov|mac|max|tmov|config done)' | filecheck %s --check-prefix=SNOW

// Max pool in floor mode: windows of three rows, a comparison of three pixels for each. Three CUs have a row; all windows are
// whole.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 3 {
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32] to mbuf[[[I0]] * 16 + 384] count 3 cus 7 first
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32 + 128] to mbuf[[[I0]] * 16 + 384] count 3 cus 7
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32 + 256] to mbuf[[[I0]] * 16 + 384] count 3 cus 7 last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[384] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[384] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[384] cu 2 to {{%[^[]+}}[4] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 3 {
// SNOW-NEXT:   snowflake.max {{.*}}, 3, first{{$}}
// SNOW-NEXT:   snowflake.max {{.*}}, 3{{$}}
// SNOW-NEXT:   snowflake.max {{.*}}, 3, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %y = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x3x3x!cnn.fixed<8>> loc("pool")
  "test.op"(%y) : (tensor<1x16x3x3x!cnn.fixed<8>>) -> ()
}

// -----

// In ceil mode, the last window of a row has two columns; the fourth CU has the last row, whose windows have two rows. All
// begin with their first row and end with their second, which all have; the third comes between.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 3 {
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32] to mbuf[[[I0]] * 16 + 384] count 3 cus 15 first
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32 + 256] to mbuf[[[I0]] * 16 + 384] count 3 cus 7
// LOOP-NEXT:   loop.max mbuf[[[I0]] * 32 + 128] to mbuf[[[I0]] * 16 + 384] count 3 cus 15 last
// LOOP-NEXT: }
// LOOP-NEXT: loop.max mbuf[96] to mbuf[432] count 2 cus 15 first
// LOOP-NEXT: loop.max mbuf[352] to mbuf[432] count 2 cus 7
// LOOP-NEXT: loop.max mbuf[224] to mbuf[432] count 2 cus 15 last
// LOOP:      loop.store mbuf[384] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[384] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[384] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[384] cu 3 to {{%[^[]+}}[6] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 3 {
// SNOW-NEXT:   snowflake.max {{.*}}, 3, first{{$}}
// SNOW-NEXT:   snowflake.max {{.*}}, 3{{$}}
// SNOW-NEXT:   snowflake.max {{.*}}, 3, last{{$}}
// SNOW-NEXT: snowflake.max {{.*}}, 2, first{{$}}
// SNOW-NEXT: snowflake.max {{.*}}, 2{{$}}
// SNOW-NEXT: snowflake.max {{.*}}, 2, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %y = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("pool")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Average pool: every tap is a trace of one line; four steps give each vMAC four of the 16 channels in turn.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 3 {
// LOOP-NEXT:   loop.start coop wbuf[0] to mbuf[[[I0]] * 16 + 256] cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48] wbuf[16] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 16] wbuf[16] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 128] wbuf[16] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 144] wbuf[16] words 16 cus 7 vmacs 15 last
// LOOP-NEXT:   loop.start coop wbuf[0] to mbuf[[[I0]] * 16 + 260] cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48] wbuf[32] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 16] wbuf[32] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 128] wbuf[32] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 144] wbuf[32] words 16 cus 7 vmacs 15 last
// LOOP-NEXT:   loop.start coop wbuf[0] to mbuf[[[I0]] * 16 + 264] cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48] wbuf[48] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 16] wbuf[48] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 128] wbuf[48] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 144] wbuf[48] words 16 cus 7 vmacs 15 last
// LOOP-NEXT:   loop.start coop wbuf[0] to mbuf[[[I0]] * 16 + 268] cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48] wbuf[64] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 16] wbuf[64] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 128] wbuf[64] words 16 cus 7 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[[[I0]] * 48 + 144] wbuf[64] words 16 cus 7 vmacs 15 last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[256] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[256] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[256] cu 2 to {{%[^[]+}}[4] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 3 {
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [2, 2], strides = [3, 3]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x3x3x!cnn.fixed<8>> loc("pool")
  "test.op"(%y) : (tensor<1x16x3x3x!cnn.fixed<8>>) -> ()
}

// -----

// In ceil mode, the last windows have fewer taps and other weights: 64 words, 4 lines, behind those of one value lie those
// of the next. The lower right one has a single tap.
// LOOP:      loop.start coop wbuf[0] to mbuf[256] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[208] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[208] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[128] wbuf[208] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[144] wbuf[208] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[260] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[224] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[224] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[128] wbuf[224] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[144] wbuf[224] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[264] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[240] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[240] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[128] wbuf[240] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[144] wbuf[240] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[268] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[256] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[256] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[128] wbuf[256] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[144] wbuf[256] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[256] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[80] words 16 cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[80] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[260] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[96] words 16 cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[96] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[264] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[112] words 16 cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[112] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[268] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[0] wbuf[128] words 16 cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[16] wbuf[128] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[272] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[144] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[240] wbuf[144] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[276] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[160] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[240] wbuf[160] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[280] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[176] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[240] wbuf[176] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[284] cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[192] words 16 cus 1 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[240] wbuf[192] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[272] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[16] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[276] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[32] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[280] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[48] words 16 cus 2 vmacs 15 last
// LOOP-NEXT: loop.start coop wbuf[0] to mbuf[284] cus 2 vmacs 15
// LOOP-NEXT: loop.mac coop mbuf[112] wbuf[64] words 16 cus 2 vmacs 15 last
// LOOP:      loop.store mbuf[256] cu 0 to {{%[^[]+}}[0] units 1
// LOOP-NEXT: loop.store mbuf[256] cu 1 to {{%[^[]+}}[1] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT: snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [2, 2], strides = [7, 7], ceil_mode} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>> loc("pool")
  "test.op"(%y) : (tensor<1x16x2x2x!cnn.fixed<8>>) -> ()
}

// -----

// A pool over whole maps has one output, in one CU: 64 taps, the last of which ends it.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.start coop wbuf[0] to mbuf[[[I0]] * 4 + 1024] cus 1 vmacs 15
// LOOP-NEXT:   loop.for [[I1:%[^ ]+]] = 0 to 7 {
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 16] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 32] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 48] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 64] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 80] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 96] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I1]] * 128 + 112] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   }
// LOOP-NEXT:   loop.mac coop mbuf[896] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[912] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[928] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[944] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[960] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[976] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[992] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[1008] wbuf[[[I0]] * 16 + 16] words 16 cus 1 vmacs 15 last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[1024] cu 0 to {{%[^[]+}}[0] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.for {{.*}} times 7 {
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [8, 8]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x1x1x!cnn.fixed<8>> loc("pool")
  "test.op"(%y) : (tensor<1x16x1x1x!cnn.fixed<8>>) -> ()
}

// -----

// An addition has no traces: the second start ends the output.
// LOOP:      loop.for [[I0:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.start indp mbuf[[[I0]] * 16] to mbuf[[[I0]] * 16 + 128] cus 15 vmacs 1
// LOOP-NEXT:   loop.start indp mbuf[[[I0]] * 16 + 64] to mbuf[[[I0]] * 16 + 128] cus 15 vmacs 1 add alt last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[128] cu 0 to {{%[^[]+}}[0] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 1 to {{%[^[]+}}[2] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 2 to {{%[^[]+}}[4] units 2
// LOOP-NEXT: loop.store mbuf[128] cu 3 to {{%[^[]+}}[6] units 2
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.vmov indp {{.*}}, 1, bypass{{$}}
// SNOW-NEXT:   snowflake.vmov indp {{.*}}, 1, bypass, add, alt, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 2
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %r = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %y = cnn.add %x, %r : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("sum")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Parts of a concatenation are stored pixel by pixel to their places in pixels of 64 words, two transfers: 16 channels at 0,
// the other 32 at 1.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 32] cus 3 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 16] wbuf[[[I1]] * 64 + 16] words 16 cus 3 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.for [[I2:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:   loop.store mbuf[[[I2]] * 32 + 32] cu 0 to {{%[^[]+}}[[[I2]] * 2] units 1
// LOOP-NEXT: }
// LOOP-NEXT: loop.for [[I3:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:   loop.store mbuf[[[I3]] * 32 + 32] cu 1 to {{%[^[]+}}[[[I3]] * 2 + 4] units 1
// LOOP-NEXT: }
// LOOP:      loop.for [[I5:%[^ ]+]] = 0 to 8 {
// LOOP-NEXT:   loop.for [[I4:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I5]] * 64] to mbuf[[[I4]] * 32 + [[I5]] * 4 + 32] cus 3 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I4]] * 16] wbuf[[[I5]] * 64 + 16] words 16 cus 3 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.for [[I6:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:   loop.store mbuf[[[I6]] * 32 + 32] cu 0 to {{%[^[]+}}[[[I6]] * 2 + 1] units 1
// LOOP-NEXT: }
// LOOP-NEXT: loop.for [[I7:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:   loop.store mbuf[[[I7]] * 32 + 32] cu 1 to {{%[^[]+}}[[[I7]] * 2 + 5] units 1
// LOOP-NEXT: }
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 2 {
// SNOW-NEXT:   snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.for {{.*}} times 2 {
// SNOW-NEXT:   snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
// SNOW-NEXT: snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 8 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.for {{.*}} times 2 {
// SNOW-NEXT:   snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.for {{.*}} times 2 {
// SNOW-NEXT:   snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x16x1x1xf32>) -> tensor<16x16x1x1x!cnn.fixed<8>>
  %vf = cnn.weight "v" : tensor<32x16x1x1xf32>
  %v = cnn.quantize %vf : (tensor<32x16x1x1xf32>) -> tensor<32x16x1x1x!cnn.fixed<8>>
  %a = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 2, maps_rows 2, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<16x16x1x1x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>> loc("left")
  %b = cnn.conv2d %x, %v attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 2, maps_rows 2, steps 8, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<32x16x1x1x!cnn.fixed<8>>) -> tensor<1x32x2x2x!cnn.fixed<8>> loc("right")
  %y = cnn.concat %a, %b : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<1x32x2x2x!cnn.fixed<8>>) -> tensor<1x48x2x2x!cnn.fixed<8>> loc("both")
  "test.op"(%y) : (tensor<1x48x2x2x!cnn.fixed<8>>) -> ()
}
