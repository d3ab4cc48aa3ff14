//! A SwAV training step (multi-crop, ResNet of basic blocks, CIFAR stem) in burn: the peer of
//! `cargo bench --bench step -- --peer burn`. The update is plain SGD with momentum, without LARC.
//!
//! usage: burn-peer BACKEND CONFIG [--steps N] [--warmup N] [--batch N]
//!   BACKEND: wgpu | vulkan | flex | ndarray (those compiled in)
//!   CONFIG : C1 | C4a | C4b, as in src/measure/cases.rs
//!
//! The last line is JSON.
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor, TensorData};
use std::time::Instant;

// ---------- host RNG (same numbers for every backend) ----------
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E3779B97F4A7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
        z ^ (z >> 31)
    }
    fn uni(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    }
    fn normal(&mut self) -> f32 {
        let (a, b) = (self.uni(), self.uni());
        (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
    }
    fn normals(&mut self, n: usize, std: f32) -> Vec<f32> {
        (0..n).map(|_| self.normal() * std).collect()
    }
    fn uniforms(&mut self, n: usize, k: f32) -> Vec<f32> {
        (0..n).map(|_| (self.uni() * 2.0 - 1.0) * k).collect()
    }
}

// ---------- model ----------
fn conv(rng: &mut Rng, ci: usize, co: usize, k: usize, s: usize, dev: &Device) -> Conv2d {
    let p = k / 2;
    let mut c = Conv2dConfig::new([ci, co], [k, k])
        .with_stride([s, s])
        .with_padding(PaddingConfig2d::Explicit(p, p, p, p))
        .with_bias(false)
        .init(dev);
    // Kaiming normal, fan_out (as in the SwAV ResNet)
    let std = (2.0 / (co * k * k) as f32).sqrt();
    c.weight = Param::from_data(TensorData::new(rng.normals(co * ci * k * k, std), [co, ci, k, k]), dev);
    c
}
fn bn(c: usize, dev: &Device) -> BatchNorm {
    BatchNormConfig::new(c).init(dev)
}
fn linear(rng: &mut Rng, i: usize, o: usize, bias: bool, dev: &Device) -> Linear {
    let mut l = LinearConfig::new(i, o).with_bias(bias).init(dev);
    let k = 1.0 / (i as f32).sqrt();
    l.weight = Param::from_data(TensorData::new(rng.uniforms(i * o, k), [i, o]), dev);
    if bias {
        l.bias = Some(Param::from_data(TensorData::new(rng.uniforms(o, k), [o]), dev));
    }
    l
}

#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    down: Option<Conv2d>,
    down_bn: Option<BatchNorm>,
}
impl Block {
    fn new(r: &mut Rng, ci: usize, co: usize, s: usize, dev: &Device) -> Self {
        let d = s != 1 || ci != co;
        Self {
            conv1: conv(r, ci, co, 3, s, dev),
            bn1: bn(co, dev),
            conv2: conv(r, co, co, 3, 1, dev),
            bn2: bn(co, dev),
            down: d.then(|| conv(r, ci, co, 1, s, dev)),
            down_bn: d.then(|| bn(co, dev)),
        }
    }
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = relu(self.bn1.forward(self.conv1.forward(x.clone())));
        let y = self.bn2.forward(self.conv2.forward(y));
        let idn = match (&self.down, &self.down_bn) {
            (Some(c), Some(b)) => b.forward(c.forward(x)),
            _ => x,
        };
        relu(y + idn)
    }
}

#[derive(Module, Debug)]
struct Swav {
    stem: Conv2d,
    stem_bn: BatchNorm,
    blocks: Vec<Block>,
    fc1: Linear,
    fc_bn: BatchNorm,
    fc2: Linear,
    prototypes: Linear,
}

struct Cfg {
    base: usize,
    blocks: [usize; 4],
    batch: usize,
    crops: Vec<(usize, usize)>, // (count, side)
    hidden: usize,
    feat: usize,
    k: usize,
}

impl Swav {
    fn new(r: &mut Rng, c: &Cfg, dev: &Device) -> Self {
        let mut blocks = vec![];
        let mut ci = c.base;
        for (st, &n) in c.blocks.iter().enumerate() {
            let co = c.base << st;
            for b in 0..n {
                let s = if st > 0 && b == 0 { 2 } else { 1 };
                blocks.push(Block::new(r, ci, co, s, dev));
                ci = co;
            }
        }
        Self {
            stem: conv(r, 3, c.base, 3, 1, dev),
            stem_bn: bn(c.base, dev),
            blocks,
            fc1: linear(r, ci, c.hidden, true, dev),
            fc_bn: bn(c.hidden, dev),
            fc2: linear(r, c.hidden, c.feat, true, dev),
            prototypes: linear(r, c.feat, c.k, false, dev),
        }
    }
    fn backbone(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = relu(self.stem_bn.forward(self.stem.forward(x)));
        for b in &self.blocks {
            x = b.forward(x);
        }
        let [n, c, h, w] = x.dims();
        x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c])
    }
    /// scores of all crops, [n_crops * B, K], crop-major as in SwAV
    fn forward(&self, groups: Vec<Tensor<4>>) -> Tensor<2> {
        let f: Vec<_> = groups.into_iter().map(|g| self.backbone(g)).collect();
        let f = Tensor::cat(f, 0);
        let h = relu(self.fc_bn.forward(self.fc1.forward(f)));
        let z = self.fc2.forward(h);
        let n = z.clone().powf_scalar(2.0).sum_dim(1).sqrt().clamp_min(1e-12);
        self.prototypes.forward(z / n)
    }
    fn normalise_prototypes(mut self) -> Self {
        self.prototypes.weight = self.prototypes.weight.map(|w| {
            let w = w.detach(); // [feat, K]: one prototype a column
            let n = w.clone().powf_scalar(2.0).sum_dim(0).sqrt().clamp_min(1e-12);
            (w / n).detach().require_grad()
        });
        self
    }
}

fn sinkhorn(scores: Tensor<2>, eps: f32, iters: usize) -> Tensor<2> {
    let [b, k] = scores.dims();
    let mut q = scores.div_scalar(eps).exp();
    let s = q.clone().sum().reshape([1, 1]);
    q = q / s;
    for _ in 0..iters {
        let r = q.clone().sum_dim(0); // per prototype
        q = (q / r).div_scalar(k as f32);
        let c = q.clone().sum_dim(1); // per sample
        q = (q / c).div_scalar(b as f32);
    }
    q.mul_scalar(b as f32)
}

fn swav_loss(scores: Tensor<2>, batch: usize, n_crops: usize) -> Tensor<1> {
    let logp = log_softmax(scores.clone().div_scalar(0.1), 1);
    let mut total: Option<Tensor<1>> = None;
    for i in 0..2 {
        let own = scores.clone().detach().narrow(0, i * batch, batch);
        let q = sinkhorn(own, 0.05, 3).detach();
        let mut sub: Option<Tensor<1>> = None;
        for v in (0..n_crops).filter(|v| *v != i) {
            let l = logp.clone().narrow(0, v * batch, batch);
            let l = (q.clone() * l).sum().div_scalar(-(batch as f32));
            sub = Some(match sub {
                Some(s) => s + l,
                None => l,
            });
        }
        let sub = sub.unwrap().div_scalar((n_crops - 1) as f32);
        total = Some(match total {
            Some(t) => t + sub,
            None => sub,
        });
    }
    total.unwrap().div_scalar(2.0)
}

// ---------- bench ----------
fn median(v: &[f64]) -> f64 {
    let mut v = v.to_vec();
    v.sort_by(|a, b| a.total_cmp(b));
    let n = v.len();
    if n % 2 == 1 { v[n / 2] } else { (v[n / 2 - 1] + v[n / 2]) / 2.0 }
}

fn train(name: &str, what: &str, dev: Device, c: Cfg, steps: usize, warmup: usize) {
    let t0 = Instant::now();
    let mut rng = Rng(7);
    let mut model = Swav::new(&mut rng, &c, &dev);
    let mut optim = SgdConfig::new()
        .with_momentum(Some(MomentumConfig::new().with_momentum(0.9).with_dampening(0.0)))
        .with_weight_decay(Some(burn::optim::decay::WeightDecayConfig::new(1e-6)))
        .init();
    println!("params {}", model.num_params());
    dev.sync().unwrap();
    println!("init {:.2} s", t0.elapsed().as_secs_f64());
    let n_crops: usize = c.crops.iter().map(|x| x.0).sum();
    let mut times = vec![];
    for step in 0..warmup + steps {
        // host side: random crops, not timed
        let host: Vec<TensorData> = c
            .crops
            .iter()
            .map(|&(n, s)| TensorData::new(rng.normals(n * c.batch * 3 * s * s, 1.0), [n * c.batch, 3, s, s]))
            .collect();
        let t = Instant::now();
        model = model.normalise_prototypes();
        let groups = host.into_iter().map(|d| Tensor::<4>::from_data(d, &dev)).collect();
        let scores = model.forward(groups);
        let loss = swav_loss(scores, c.batch, n_crops);
        let l = loss.clone();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optim.step(0.05, model, grads);
        let l: f32 = l.into_scalar(); // read the loss ...
        dev.sync().unwrap(); // ... and wait for the optimizer step as well
        let dt = t.elapsed().as_secs_f64();
        println!("step {step} loss {l:.6} {dt:.4} s{}", if step < warmup { " (warm-up)" } else { "" });
        if step >= warmup {
            times.push(dt);
        }
    }
    let m = median(&times);
    let (lo, hi) = times.iter().fold((f64::MAX, 0f64), |a, &x| (a.0.min(x), a.1.max(x)));
    println!(
        "{{\"peer\": \"burn {name}\", \"config\": \"{what}\", \"steps\": {}, \"s_step\": {m}, \"s_min\": {lo}, \"s_max\": {hi}}}",
        times.len()
    );
}

fn device(name: &str) -> Device {
    match name {
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "vulkan")]
        "vulkan" => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        "ndarray" => Device::ndarray(),
        _ => {
            eprintln!("backend {name} is not compiled in");
            std::process::exit(2)
        }
    }
}

fn main() {
    let mut a: Vec<String> = std::env::args().skip(1).collect();
    let mut opt = |k: &str, d: usize| match a.iter().position(|x| x == k) {
        Some(i) => {
            let v = a[i + 1].parse().unwrap();
            a.drain(i..i + 2);
            v
        }
        None => d,
    };
    let steps = opt("--steps", 5);
    let warmup = opt("--warmup", 2);
    let batch = opt("--batch", 0); // 0: the configuration's
    if a.len() != 2 {
        eprintln!("usage: burn-peer <wgpu|vulkan|flex|ndarray> <C1|C4a|C4b> [--steps N] [--warmup N] [--batch N]");
        std::process::exit(2);
    }
    let (name, what) = (a[0].clone(), a[1].clone());
    let dev = device(&name).autodiff();
    let crops = vec![(2, 32), (4, 20)];
    let small = |blocks, crops| Cfg { base: 16, blocks, batch: 128, crops, hidden: 128, feat: 64, k: 100 };
    let mut cfg = match what.as_str() {
        "C4a" => small([1, 1, 1, 1], crops),
        "C4b" => small([2, 2, 2, 2], crops),
        "C1" => Cfg { base: 64, blocks: [2, 2, 2, 2], batch: 64, crops, hidden: 512, feat: 128, k: 300 },
        _ => {
            eprintln!("unknown configuration {what}");
            std::process::exit(2)
        }
    };
    if batch > 0 {
        cfg.batch = batch;
    }
    train(&name, &what, dev, cfg, steps, warmup);
}
