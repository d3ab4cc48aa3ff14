//! Contrastive losses: the reference by finite differences and golden files (groups 11 and 13), and by the latter the
//! kernels.

use super::{Outputs, differences, outputs};
use crate::golden::{Case, Golden};
use crate::ops_golden::{each, read};
use crate::reference::contrast as reference;
use crate::reference::{Rng64, Tensor64, norm, queue as queues};
use crate::reference_gradients::check;
use std::sync::Arc;
use swav_wgpu::gpu::{Gpu, Session, Tensor};
use swav_wgpu::ops::conv2d::Filter;
use swav_wgpu::ops::{Step, contrast, normalize, weights};
use swav_wgpu::selftest::lab::Lab;

/// Rows as a method sees them, what each adds to the loss, and the gradients of the rows and of what they were made of.
struct Loss {
    rows: Tensor64,
    shares: Vec<f64>,
    d_rows: Tensor64,
    dx: Tensor64,
}

/// The losses as they are computed somewhere, of rows of any length.
trait Contrasts {
    fn all_crops(&self, x: &Tensor64, batch: usize, temperature: f64) -> Loss;
    /// The loss of queries with their keys and the queue.
    fn queue(&self, xq: &Tensor64, xk: &Tensor64, queue: &Tensor64, temperature: f64) -> Loss;
    /// The queue after keys were put at the cursor.
    fn push(&self, queue: &Tensor64, keys: &Tensor64, cursor: usize) -> Tensor64;
    fn unit(&self, x: &Tensor64) -> Tensor64;
}

struct Reference;

impl Contrasts for Reference {
    fn all_crops(&self, x: &Tensor64, batch: usize, temperature: f64) -> Loss {
        let z = self.unit(x);
        let found = reference::all_crops(&z, batch, temperature);
        let dx = norm::l2_normalize_backward(x, &found.gradient);
        Loss { rows: z, shares: found.shares, d_rows: found.gradient, dx }
    }

    fn queue(&self, xq: &Tensor64, xk: &Tensor64, queue: &Tensor64, temperature: f64) -> Loss {
        let q = self.unit(xq);
        let found = reference::queue(&q, &self.unit(xk), queue, temperature);
        let dx = norm::l2_normalize_backward(xq, &found.gradient);
        Loss { rows: q, shares: found.shares, d_rows: found.gradient, dx }
    }

    fn push(&self, queue: &Tensor64, keys: &Tensor64, cursor: usize) -> Tensor64 {
        queues::push(queue, keys, keys.shape[0], &[0], cursor)
    }

    fn unit(&self, x: &Tensor64) -> Tensor64 {
        norm::l2_normalize(x)
    }
}

struct Device<'a>(&'a Arc<Gpu>);

fn upload(lab: &mut Lab, x: &Tensor64) -> Tensor {
    let (rows, columns) = x.dims2();
    lab.matrix(rows, columns, &x.to_f32())
}

/// The queue as panels, and the linear layer whose weights they are.
fn upload_queue(lab: &mut Lab, queue: &Tensor64) -> (Filter, Tensor) {
    let (length, dim) = queue.dims2();
    let filter = Filter::linear(dim as u32, length as u32);
    (filter, lab.upload(filter.panels(), weights::pack(&filter, &queue.to_f32())))
}

fn download(session: &Session, tensor: &Tensor) -> Tensor64 {
    let shape = [tensor.shape.images, tensor.shape.channels].map(|n| n as usize);
    Tensor64::new(&shape, read(session, tensor))
}

/// Runs what gives the rows, their gradient, the losses and the gradient of what the rows were made of.
fn run(lab: Lab, [rows, d_rows, losses, dx]: [&Tensor; 4]) -> Loss {
    let session = lab.run().expect("the plan runs");
    let shares = read(&session, losses).into_iter().step_by(4).collect();
    let [rows, d_rows, dx] = [rows, d_rows, dx].map(|tensor| download(&session, tensor));
    Loss { rows, shares, d_rows, dx }
}

impl Contrasts for Device<'_> {
    fn all_crops(&self, x: &Tensor64, batch: usize, temperature: f64) -> Loss {
        let mut lab = Lab::new(self.0);
        let x = upload(&mut lab, x);
        let plan = &mut lab.plan;
        let z = normalize::forward(plan, &x).expect("records");
        let (dz, losses) = contrast::all_crops(plan, &z, batch as u32, temperature as f32).expect("records");
        let dx = normalize::backward(plan, &x, &dz).expect("records");
        run(lab, [&z, &dz, &losses, &dx])
    }

    fn queue(&self, xq: &Tensor64, xk: &Tensor64, queue: &Tensor64, temperature: f64) -> Loss {
        let mut lab = Lab::new(self.0);
        let [xq, xk] = [xq, xk].map(|x| upload(&mut lab, x));
        let (filter, ring) = upload_queue(&mut lab, queue);
        let plan = &mut lab.plan;
        let [q, k] = [&xq, &xk].map(|x| normalize::forward(plan, x).expect("records"));
        let (dq, losses) =
            contrast::queue(plan, &q, &k, &filter, &ring, temperature as f32).expect("records");
        let dx = normalize::backward(plan, &xq, &dq).expect("records");
        run(lab, [&q, &dq, &losses, &dx])
    }

    fn push(&self, queue: &Tensor64, keys: &Tensor64, cursor: usize) -> Tensor64 {
        let mut lab = Lab::new(self.0);
        let keys = upload(&mut lab, keys);
        let (filter, ring) = upload_queue(&mut lab, queue);
        let step = lab.step(Step { queue_cursor: cursor as u32, ..Step::default() });
        contrast::push(&mut lab.plan, &keys, &filter, &ring, &step).expect("records");
        let panels = lab.run().expect("the plan runs").read(&ring).expect("the device answers");
        Tensor64::from_f32(&queue.shape, &weights::unpack(&filter, &panels))
    }

    fn unit(&self, x: &Tensor64) -> Tensor64 {
        let mut lab = Lab::new(self.0);
        let x = upload(&mut lab, x);
        let unit = normalize::forward(&mut lab.plan, &x).expect("records");
        download(&lab.run().expect("the plan runs"), &unit)
    }
}

fn tensor(case: &Case<'_>, name: &str) -> Tensor64 {
    let (shape, data) = case.input(name);
    Tensor64::from_f32(&shape, &data)
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// Group 11.
fn crops(by: &dyn Contrasts, case: &Case<'_>) -> Outputs {
    let batch = case.count("bs");
    let Loss { rows, shares, d_rows, dx } = by.all_crops(&tensor(case, "x"), batch, case.number("T"));
    let row_loss: Vec<f64> = shares.iter().map(|share| share * shares.len() as f64).collect();
    let of_crop = |crop: usize| vec![sum(&row_loss[crop * batch..(crop + 1) * batch]) / batch as f64];
    outputs([
        ("z", rows.data),
        ("loss", vec![sum(&shares)]),
        ("loss_a", of_crop(0)),
        ("loss_b", of_crop(1)),
        ("row_loss", row_loss),
        ("dz", d_rows.data),
        ("dx", dx.data),
    ])
}

/// Whether a case of group 13 is about losses or queues; moving averages belong to the optimiser.
fn has_a_queue(case: &Case<'_>) -> bool {
    !case.has("key0") && case.expected().next().is_some()
}

/// Group 13, of whose kinds of cases each has tensors of its own.
fn with_a_queue(by: &dyn Contrasts, case: &Case<'_>) -> Outputs {
    if case.has("ring_start") {
        return pushes(by, case);
    }
    if case.has("xq_0") {
        return sequence(by, case);
    }
    let temperature = case.number("T");
    let loss = |names: [&str; 3]| {
        let [xq, xk, queue] = names.map(|name| tensor(case, name));
        by.queue(&xq, &xk, &queue, temperature)
    };
    if case.has("queue_0") {
        // Both crops are queries, of keys of the other one.
        let halves = [loss(["xq1", "xk2", "queue_1"]), loss(["xq2", "xk1", "queue_0"])];
        let [dxq1, dxq2] = halves.each_ref().map(|half| half.dx.map(|v| v / 2.0).data);
        let mean = (sum(&halves[0].shares) + sum(&halves[1].shares)) / 2.0;
        return outputs([("loss", vec![mean]), ("dxq1", dxq1), ("dxq2", dxq2)]);
    }
    let Loss { rows, shares, d_rows, dx } = loss(["xq", "xk", "queue"]);
    let k = by.unit(&tensor(case, "xk"));
    outputs([
        ("q", rows.data),
        ("k", k.data),
        ("loss", vec![sum(&shares)]),
        ("dq", d_rows.data),
        ("dxq", dx.data),
    ])
}

fn pushes(by: &dyn Contrasts, case: &Case<'_>) -> Outputs {
    let mut ring = tensor(case, "ring_start");
    let (batch, (length, dim)) = (case.count("bs"), ring.dims2());
    let (mut cursor, mut cursors, mut computed) = (0, Vec::new(), Outputs::new());
    for push in 0..case.count("pushes") {
        ring = by.push(&ring, &tensor(case, &format!("keys_{push}")), cursor);
        // The same rows as a queue that shifts would hold them: from the newest batch on.
        let batches = (0..length / batch).map(|age| (cursor + length - age * batch) % length);
        let newest = batches.flat_map(|from| ring.data[from * dim..(from + batch) * dim].to_vec());
        computed.insert(format!("newest_{push}"), newest.collect());
        computed.insert(format!("ring_{push}"), ring.data.clone());
        cursor = (cursor + batch) % length;
        cursors.push(cursor as f64);
    }
    computed.insert("ptr".to_owned(), cursors);
    computed
}

/// Steps of a run: each loss sees the queue as it was before the step.
fn sequence(by: &dyn Contrasts, case: &Case<'_>) -> Outputs {
    let (mut ring, mut cursor, mut losses) = (tensor(case, "queue"), 0, Vec::new());
    for step in 0..case.count("steps") {
        let [xq, xk] = ["xq", "xk"].map(|name| tensor(case, &format!("{name}_{step}")));
        losses.push(sum(&by.queue(&xq, &xk, &ring, case.number("T")).shares));
        ring = by.push(&ring, &by.unit(&xk), cursor);
        cursor = (cursor + xk.shape[0]) % ring.shape[0];
    }
    outputs([("loss", losses), ("ring", ring.data)])
}

#[test]
fn the_reference_matches_golden() {
    let golden = Golden::open();
    let all = golden.cases("11").into_iter().map(|case| differences(&case, &crops(&Reference, &case)));
    let queues = golden.cases("13").into_iter().filter(has_a_queue);
    let all = all.chain(queues.map(|case| differences(&case, &with_a_queue(&Reference, &case))));
    let failures: Vec<String> = all.flatten().collect();
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn all_crops_match_golden() {
    each("11", |_| true, |gpu, case| differences(case, &crops(&Device(gpu), case)));
}

#[test]
fn queues_match_golden() {
    each("13", has_a_queue, |gpu, case| differences(case, &with_a_queue(&Device(gpu), case)));
}

/// Rows need not be of unit length for a gradient to be right.
#[test]
fn gradients_are_those_of_finite_differences() {
    let random = |shape: &[usize], seed| Tensor64::random(shape, &mut Rng64(seed)).map(|v| 0.4 * v);
    // Crops, pictures, embedding, temperature.
    for (views, batch, dim, temperature) in
        [(2, 1, 3, 0.1), (2, 2, 1, 0.5), (2, 5, 4, 0.2), (3, 4, 5, 0.07), (5, 3, 2, 0.5)]
    {
        let z = random(&[views * batch, dim], 1);
        let gradient = reference::all_crops(&z, batch, temperature).gradient;
        check("all crops", &z, &gradient, 1, |z| reference::all_crops(z, batch, temperature).loss());
    }
    // Queries of a key, keys, embedding, length of the queue, temperature.
    for (each, batch, dim, length, temperature) in [(1, 1, 1, 1, 0.5), (1, 5, 4, 7, 0.2), (3, 2, 3, 11, 0.07)]
    {
        let (q, keys) = (random(&[each * batch, dim], 1), random(&[batch, dim], 2));
        let queue = random(&[length, dim], 3);
        let gradient = reference::queue(&q, &keys, &queue, temperature).gradient;
        check("queue", &q, &gradient, 1, |q| reference::queue(q, &keys, &queue, temperature).loss());
    }
}
