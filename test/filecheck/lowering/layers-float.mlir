// Layers that only the passes before quantisation make what the accelerator computes, or leave to the host.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p 'cnn-fold-batch-norm,cnn-fuse,cnn-quantize,cnn-choose-schedule{mode=coop split=rows rows=1},convert-cnn-to-tile,tile-assign-addresses,convert-tile-to-loop' | filecheck %s --check-prefix=LOOP
// RUN: snow-opt %s --split-input-file --no-debuginfo -p 'cnn-fold-batch-norm,cnn-fuse,cnn-quantize,cnn-choose-schedule{mode=coop split=rows rows=1},convert-cnn-to-tile,tile-assign-addresses,convert-tile-to-loop,convert-loop-to-snowflake' | grep -E 'snowflake.(program|for|vmov|mac|max|tmov|config done)|tile.(read|write)|cnn.(lrn|softmax)' | filecheck %s --check-prefix=SNOW

// A batch normalization that no layer takes up is a depthwise kernel of 1x1: a trace of a line, in which one weight of each
// kernel is not zero, from a bias.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 32] cus 15 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 16] wbuf[[[I1]] * 64 + 16] words 16 cus 15 vmacs 15 last
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[32] cu 0 to {{%[^[]+}}[0] units 1
// LOOP-NEXT: loop.store mbuf[32] cu 1 to {{%[^[]+}}[1] units 1
// LOOP-NEXT: loop.store mbuf[32] cu 2 to {{%[^[]+}}[2] units 1
// LOOP-NEXT: loop.store mbuf[32] cu 3 to {{%[^[]+}}[3] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
module attributes {snow.machine = "zc706"} {
  %x = cnn.input "x" : tensor<1x16x2x4xf32>
  %m = cnn.weight "mean" : tensor<16xf32>
  %v = cnn.weight "var" : tensor<16xf32>
  %y = cnn.batch_norm %x, %m, %v {eps = 1.0e-3} : (tensor<1x16x2x4xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x2x4xf32> loc("norm")
  cnn.output "y" %y : tensor<1x16x2x4xf32>
}

// -----

// What the accelerator does not compute stays with the host, between two programs and behind the last one.
// LOOP:      loop.for [[I1:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// LOOP-NEXT:     loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 16 + [[I1]] * 4 + 32] cus 3 vmacs 15
// LOOP-NEXT:     loop.mac coop mbuf[[[I0]] * 16] wbuf[[[I1]] * 64 + 16] words 16 cus 3 vmacs 15 last relu
// LOOP-NEXT:   }
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[32] cu 0 to {{%[^[]+}}[0] units 1
// LOOP-NEXT: loop.store mbuf[32] cu 1 to {{%[^[]+}}[1] units 1
// LOOP:      loop.for [[I2:%[^ ]+]] = 0 to 4 {
// LOOP-NEXT:   loop.start coop wbuf[[[I2]] * 128] to mbuf[[[I2]] * 4 + 64] cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[0] wbuf[[[I2]] * 128 + 16] words 32 cus 1 vmacs 15
// LOOP-NEXT:   loop.mac coop mbuf[32] wbuf[[[I2]] * 128 + 48] words 32 cus 1 vmacs 15 last
// LOOP-NEXT: }
// LOOP:      loop.store mbuf[64] cu 0 to {{%[^[]+}}[0] units 1
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.for {{.*}} times 2 {
// SNOW-NEXT:     snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:     snowflake.mac coop {{.*}}, 16, last, relu{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
// SNOW-NEXT: %{{.*}} = tile.read
// SNOW-NEXT: %{{.*}} = cnn.lrn
// SNOW-NEXT: tile.write
// SNOW:      snowflake.program
// SNOW-NEXT: snowflake.for {{.*}} times 4 {
// SNOW-NEXT:   snowflake.vmov coop {{.*}}, 15{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 32{{$}}
// SNOW-NEXT:   snowflake.mac coop {{.*}}, 32, last{{$}}
// SNOW-NEXT: snowflake.tmov memory {{.*}}, 1
// SNOW-NEXT: snowflake.config done
// SNOW-NEXT: %{{.*}} = tile.read
// SNOW-NEXT: %{{.*}} = cnn.softmax
module attributes {snow.machine = "zc706"} {
  %x = cnn.input "x" : tensor<1x16x2x2xf32>
  %w = cnn.weight "w" : tensor<16x16x1x1xf32>
  %v = cnn.weight "v" : tensor<16x64xf32>
  %a = cnn.conv2d %x, %w {relu} : (tensor<1x16x2x2xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x2x2xf32> loc("conv")
  %n = cnn.lrn %a {size = 5, alpha = 1.0e-4, beta = 0.75, k = 1.0} : (tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xf32> loc("lrn")
  %f = cnn.linear %n, %v : (tensor<1x16x2x2xf32>, tensor<16x64xf32>) -> tensor<1x16xf32> loc("scores")
  %y = cnn.softmax %f : (tensor<1x16xf32>) -> tensor<1x16xf32> loc("softmax")
  cnn.output "y" %y : tensor<1x16xf32>
}
