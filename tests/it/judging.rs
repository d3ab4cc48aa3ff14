//! kNN, linear classifiers, fine-tuning and cluster measures beside scikit-learn and PyTorch
//! (`tools/make_judging_fixtures.py`).

use crate::devices::shared_devices;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::Path;
use swav_wgpu::config::Stem;
use swav_wgpu::eval::cluster::{adjusted_rand_index, normalised_mutual_information, purity};
use swav_wgpu::eval::score::ranked;
use swav_wgpu::eval::{Features, Near, knn};
use swav_wgpu::interop::{HostTensor, weights};
use swav_wgpu::judge::device::classifiers::{Classifiers, ClassifiersSpec, cosine};
use swav_wgpu::judge::device::finetune::{Finetune, FinetuneSpec};
use swav_wgpu::judge::device::search::Search;
use swav_wgpu::model::NetworkSpec;
use swav_wgpu::pass::Pass;
use swav_wgpu::rng::{Purpose, Stream};
use swav_wgpu::selftest::layout::to_nhwc4;

const TEMPERATURE: f64 = 0.07;

struct Fixture(Vec<u8>);

impl Fixture {
    fn open() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/judging.safetensors");
        Self(std::fs::read(path).expect("the fixture"))
    }

    fn bytes(&self, name: &str) -> (Vec<usize>, Vec<[u8; 4]>) {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        (view.shape().to_vec(), view.data().as_chunks::<4>().0.to_vec())
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.bytes(name).1.into_iter().map(f32::from_le_bytes).collect()
    }

    fn matrix(&self, name: &str) -> Features {
        let (shape, _) = self.bytes(name);
        Features::new(shape[0], shape[1], self.floats(name)).expect("a matrix")
    }

    fn tensor(&self, name: &str) -> HostTensor {
        HostTensor::new(self.bytes(name).0, self.floats(name))
    }

    fn words(&self, name: &str) -> Vec<u32> {
        self.bytes(name).1.into_iter().map(u32::from_le_bytes).collect()
    }
}

#[test]
fn neighbours_and_votes_are_those_of_scikit_learn() {
    let fixture = Fixture::open();
    let (bank, queries) = (fixture.matrix("bank").unit(None), fixture.matrix("queries").unit(None));
    let labels = fixture.words("bank_labels");
    for gpu in shared_devices() {
        // The whole bank at once, and streamed in blocks that do not divide it.
        for (rows, block) in [(512, 97), (32, 7), (64, 128)] {
            for k in [1, 20, 200] {
                let search = Search::in_blocks(gpu, bank.dim, k, rows, block).expect("a search");
                let found = search.nearest(&bank, &queries).expect("the device answers");
                let want = fixture.words(&format!("knn{k}/rows"));
                let cosines = fixture.floats(&format!("knn{k}/cosine"));
                let guesses = fixture.words(&format!("knn{k}/guess"));
                assert_eq!(found.len(), queries.rows);
                for (query, near) in found.iter().enumerate() {
                    let rows: Vec<u32> = near.iter().map(|near| near.row).collect();
                    assert_eq!(rows, want[query * k..][..k], "query {query}, k {k}");
                    for (near, cosine) in near.iter().zip(&cosines[query * k..]) {
                        assert!((near.similarity - cosine).abs() < 2e-6, "query {query}, k {k}");
                    }
                    let ranking = knn::ranking(near, &labels, TEMPERATURE);
                    assert_eq!(ranking[0], guesses[query], "query {query}, k {k}");
                }
            }
        }
    }
}

/// Rows around a few centres, some of them twice, so that there are ties.
fn clustered(seed: u64, rows: usize, dim: usize) -> (Features, Vec<u32>) {
    let mut random = Stream::new(seed, Purpose::Test, &[]);
    let mut centres = Stream::new(5, Purpose::Test, &[]);
    let centres: Vec<f64> = (0..7 * dim).map(|_| 0.5 + centres.normal()).collect();
    let labels: Vec<u32> = (0..rows).map(|_| random.below(7) as u32).collect();
    let mut data: Vec<f32> = (0..rows * dim)
        .map(|i| (centres[labels[i / dim] as usize * dim + i % dim] + 2.0 * random.normal()) as f32)
        .collect();
    data.copy_within(0..20 * dim, 40 * dim);
    (Features::new(rows, dim, data).expect("rows"), labels)
}

#[test]
fn the_device_gives_the_votes_of_the_processor() {
    for (rows, queries, dim) in [(700, 150, 33), (1500, 90, 128), (60, 60, 3)] {
        let ((bank, labels), (asked, wanted)) = (clustered(1, rows, dim), clustered(2, queries, dim));
        for k in [1, 20, 200] {
            let pass = Pass::default();
            for centre in [None, Some(bank.mean())] {
                let [bank, asked] = [&bank, &asked].map(|rows| rows.unit(centre.as_deref()));
                let here = knn::nearest(&bank, &asked, k, &pass).expect("it answers");
                let share = |near: &[Vec<Near>]| {
                    let right = |(near, label): &(&Vec<Near>, &u32)| {
                        knn::ranking(near, &labels, TEMPERATURE).first() == Some(label)
                    };
                    near.iter().zip(&wanted).filter(right).count() as f64 / queries as f64
                };
                let expected = share(&here);
                for gpu in shared_devices() {
                    let search = Search::new(gpu, dim, k, rows, queries).expect("a search");
                    let there = search.nearest(&bank, &asked).expect("the device answers");
                    assert_eq!(share(&there), expected, "{rows} {dim} {k} on {}", gpu.facts().name);
                    // Where whoever decides sees no difference, the earlier row comes first. The other may see one:
                    // sums in another order round otherwise.
                    for near in here.iter().chain(&there) {
                        let ties = near.windows(2).filter(|pair| pair[0].similarity == pair[1].similarity);
                        ties.for_each(|pair| assert!(pair[0].row < pair[1].row));
                    }
                }
            }
        }
    }
}

/// Frames of a film that comes ever nearer: every row joins the pool, and loops are as long as they get. Some drivers end
/// loops that are too long for them, and say nothing.
#[test]
fn a_bank_whose_rows_are_ever_nearer_is_searched_to_its_end() {
    let rows = 40_000;
    for equal in [1, 2, 3] {
        let bank: Vec<f32> = (0..rows).map(|row| (row / equal) as f32).collect();
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by(|&one, &other| bank[other as usize].total_cmp(&bank[one as usize]));
        let bank = Features::new(rows, 1, bank).expect("rows");
        let asked = Features::new(2, 1, vec![1.0, 0.5]).expect("rows");
        for gpu in shared_devices() {
            for k in [20, 64, 256] {
                let search = Search::new(gpu, 1, k, rows, 2).expect("a search");
                for near in search.nearest(&bank, &asked).expect("the device answers") {
                    let found: Vec<u32> = near.iter().map(|near| near.row).collect();
                    assert_eq!(found, order[..k], "k {k}, {equal} equal, on {}", gpu.choices().label());
                }
            }
        }
    }
}

#[test]
fn linear_classifiers_are_those_of_pytorch() {
    let fixture = Fixture::open();
    let (bank, queries) = (fixture.matrix("bank"), fixture.matrix("queries"));
    let labels = fixture.words("bank_labels");
    let (epochs, batch) = (4, 64);
    let spec = ClassifiersSpec {
        dim: bank.dim,
        classes: 6,
        rates: vec![0.05, 0.5, 2.0],
        batch,
        momentum: 0.9,
        decay: 1e-3,
        seed: 0,
    };
    for gpu in shared_devices() {
        let linear = Classifiers::new(gpu, &spec).expect("classifiers");
        linear.start(&fixture.matrix("linear/start")).expect("weights of that shape");
        let rows: Vec<usize> = (0..bank.rows).collect();
        for epoch in 0..epochs {
            for chunk in rows.chunks(batch) {
                linear
                    .step(&bank.select(chunk), &labels[chunk[0]..][..chunk.len()], cosine(epoch, epochs))
                    .expect("a step");
            }
        }
        let (weights, logits) =
            (linear.weights().expect("weights"), linear.logits(&queries).expect("logits"));
        for rate in 0..3 {
            let want = fixture.matrix(&format!("linear/{rate}/weights"));
            let scale = want.data.iter().fold(0f32, |most, v| most.max(v.abs()));
            let worst =
                want.data.iter().zip(&weights[rate].data).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(worst < 2e-5 * scale, "rate {rate}: {worst} of {scale}");
            let guesses: Vec<u32> = (0..queries.rows).map(|row| ranked(logits[rate].row(row))[0]).collect();
            assert_eq!(guesses, fixture.words(&format!("linear/{rate}/guess")), "rate {rate}");
        }
    }
}

#[test]
fn three_steps_of_fine_tuning_are_those_of_pytorch() {
    let fixture = Fixture::open();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/10_swav_released_zip.pth.tar");
    let trunk = weights::read(&file, None).expect("the file can be read").tensors;
    let network = NetworkSpec::of_weights(&trunk, Stem::Cifar).expect("it is a ResNet");
    let (shape, x) = (fixture.bytes("finetune/x").0, fixture.floats("finetune/x"));
    let (views, labels) = (to_nhwc4(&shape, &x), fixture.words("finetune/labels"));
    let view = [shape[2] as u32, shape[3] as u32];
    let spec = FinetuneSpec { classes: 3, batch: shape[0], view, rates: [0.02, 0.5], momentum: 0.9, seed: 1 };
    let near = |what: &str, got: &[f32], want: &[f32]| {
        let scale = want.iter().fold(0f32, |most, v| most.max(v.abs()));
        let worst = want.iter().zip(got).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(got.len() == want.len() && worst < 2e-4 * scale, "{what}: {worst} of {scale}");
    };
    for gpu in shared_devices() {
        let tuned = Finetune::new(gpu, &network, &trunk, &spec).expect("it fits");
        let start = ["classifier.weight", "classifier.bias"]
            .map(|name| (name.to_owned(), fixture.tensor(&format!("finetune/start/{name}"))));
        tuned.start_classifier(&BTreeMap::from(start)).expect("weights of that shape");
        for factor in [1.0, 1.0, 0.2] {
            tuned.step(&views, &labels, factor).expect("a step");
        }
        let logits = tuned.logits(&views, shape[0]).expect("the device answers");
        near("logits", &logits.data, &fixture.floats("finetune/logits"));
        let end = tuned.export().expect("the device answers");
        for name in
            ["conv1.weight", "bn1.running_var", "layer2.0.bn1.weight", "classifier.weight", "classifier.bias"]
        {
            near(name, &end[name].data, &fixture.floats(&format!("finetune/end/{name}")));
        }
        assert!(tuned.step(&views, &[0, 1, 2, 0, 1, 3], 1.0).is_err(), "a label that is no class");
        assert!(tuned.step(&views[4..], &labels, 1.0).is_err(), "a batch that is not whole");
    }
}

#[test]
fn cluster_measures_are_those_of_scikit_learn() {
    let fixture = Fixture::open();
    let (labels, found) = (fixture.words("bank_labels"), fixture.words("clusters/found"));
    let want = fixture.floats("clusters/nmi_ari_purity");
    let got = [
        normalised_mutual_information(&found, &labels),
        adjusted_rand_index(&found, &labels),
        purity(&found, &labels),
    ];
    for (got, want) in got.into_iter().zip(want) {
        assert!((got - f64::from(want)).abs() < 1e-6, "{got} {want}");
    }
}

#[test]
fn searches_and_classifiers_refuse_what_makes_no_sense() {
    let gpu = &shared_devices()[0];
    assert!(Search::new(gpu, 8, 0, 10, 10).is_err() && Search::new(gpu, 8, 257, 10, 10).is_err());
    let search = Search::new(gpu, 8, 5, 10, 10).expect("a search");
    let few = Features::new(3, 8, (0..24).map(|i| i as f32).collect()).expect("rows");
    let near = search.nearest(&few, &few).expect("the device answers");
    assert!(near.iter().all(|near| near.len() == 3), "a bank of three has three neighbours");
    assert!(search.nearest(&few, &Features::new(1, 4, vec![0.0; 4]).expect("rows")).is_err());
    let nan = Features::new(2, 8, vec![f32::NAN; 16]).expect("rows");
    assert!(search.nearest(&few, &nan).expect("the device answers").iter().all(Vec::is_empty));
    assert!(
        search.nearest(&Features::new(0, 8, Vec::new()).expect("no rows"), &few).expect("it answers")[0]
            .is_empty()
    );
}
