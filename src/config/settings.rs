//! The table of settings. One row is one field, flag, TOML key and row of the app; the doc comment
//! is its help text everywhere. The defaults are those of the official code.

use std::path::PathBuf;
use std::time::Duration;

use super::check::{
    self, at_least, bands, crops, decay, distinct, each, list, optional, positive, sets, shown, stages,
    triple, within,
};
use super::depth::Depth;
use super::former::FormerSteps;
use super::method::Method;
use super::micro::MicroBatch;
use super::presets::Preset;
use super::size::Bytes;
use super::sync::SyncBn;
use super::table::{Setting, settings};
use super::types::{
    Arch, Augmenter, Block, CropGroup, Kernels, Normalize, Optimizer, Pages, Precision, Source, Stem, Tuned,
};
use super::value::Value;

settings! {
    "Run" {
        /// The recipe to start from; every other setting changes one value of it. Without it, the embedded
        /// pictures are trained with `demo` and a folder of your own with `photos`. `--list-presets` shows
        /// them all with their values.
        preset: Option<Preset> = None;
        /// What the crops are trained for: swav, or a method that it is compared with (deepcluster-v2, sela-v2,
        /// simclr, moco-v2, byol), on the same network, crops and optimiser; supervised learns from labels, as the baseline that knows the answer. A
        /// preset takes the recipe that the method's authors or users have for such pictures.
        method: Method = Method::Swav;
        /// How often the run sees every picture. More is nearly always better: the paper goes from 72.1 % at
        /// 200 epochs to 75.3 % at 800.
        epochs: u64 = 100 => within(1, 1_000_000);
        /// The length of the run in steps, in place of `epochs`. The whole schedule is stretched over it:
        /// warm-up keeps its share and the learning rate still falls to its end.
        steps: Option<u64> = None => optional(at_least(1));
        /// Lengths that a run had until its device became faster or slower and it was given other `steps`, to take the time
        /// that it was given all the same. A run writes this into its settings, so that they tell its learning
        /// rates; nobody has to.
        former_steps: FormerSteps = FormerSteps::default();
        /// Stop cleanly after so long, such as 90s, 10m or 1h30m, with a checkpoint. The schedule does not
        /// change, so `--resume` goes on as if nothing had happened.
        max_time: Option<Duration> = None;
        /// Pictures in a step. Each gives all of its crops at once, so memory grows with batch × crops. When it
        /// is far smaller than the prototypes, add a queue, as the paper does at 256.
        batch: usize = 256 => within(2, 65_536);
        /// Pictures that go through the trunk at once, where a batch does not fit the device; the last part of a batch may
        /// have fewer. auto takes the most that the adapter has memory for and keeps that for the run. Codes, queue, loss and
        /// update stay those of the whole batch; only the trunk's batch norms see a part at a time. It takes a sixth to a third
        /// more time. Without it the batch goes through as a whole.
        micro_batch: Option<MicroBatch> = None;
        /// Ranks whose pictures the trunk's batch norms see together, where several processes train: all, or groups of so
        /// many, as the official code's 8. Each rank takes its share in one part, and they exchange sums at every batch norm.
        /// Without it, a batch norm sees the pictures of its rank.
        sync_bn: Option<SyncBn> = None;
        /// Where all random numbers start. The same seed on the same adapter gives the same bits, whatever the
        /// number of workers; compare recipes on several seeds. The official code has 31.
        seed: u64 = 31;
        /// The run folder, which must be new or empty: settings, metrics, checkpoints, gallery. Without it, the
        /// next of `runs/PRESET-1`, `runs/PRESET-2` and so on is made.
        out: Option<PathBuf> = None;
        /// Weights to start from in place of random ones: a run folder, or a file (.safetensors, .pth,
        /// .pth.tar, .pt) of this program, of the official code of SwAV or MoCo, of torchvision, lightly or
        /// solo-learn. What fits is taken, head and prototypes too, and the rest is listed. A queue and a second
        /// network begin anew.
        init: Option<PathBuf> = None;
        /// Which network of a file of weights is taken, where it holds several: the path to it, or a word of it such
        /// as encoder_k or student. Without it, a teacher or an average of weights comes first, then the network
        /// that was trained, last a copy that only makes targets.
        weights_key: Option<String> = None;
        /// Steps between two checkpoints; 0 writes one only when the run ends or is stopped. A power cut loses
        /// at most the steps since the last one.
        checkpoint_every: u64 = 500;
        /// Steps between two reports: lines of `metrics.jsonl` and moves of the progress bar. Reading numbers
        /// back makes the device wait, so very small values cost speed.
        report_every: u64 = 10 => at_least(1);
        /// Also write the figures of every report, and the gallery at the end, as event files for TensorBoard beside
        /// `metrics.jsonl`. Look at them with `tensorboard --logdir runs`.
        tensorboard: bool = false;
        /// Epochs between two kNN evaluations, where the pictures have labels; 0 evaluates only at the end. The
        /// loss says little about the features, so this is the figure to watch.
        eval_every: u64 = 10;
    }
    "Data" {
        /// The pictures: a folder, nested or not, a list file, CIFAR, STL-10 or MNIST files or archives,
        /// WebDataset tar, zip, Parquet or Arrow files (one, a folder or a pattern), or numpy arrays. Labels serve for
        /// judging, and for training only with `method` supervised. Without it, the embedded pictures are used.
        data: Option<PathBuf> = None;
        /// What `data` is: auto finds it by looking. list is a text file with the path of a picture a line;
        /// mnist stands for all IDX files, npy for arrays of many pictures, npy-pictures for one a file.
        source: Source = Source::Auto;
        /// Files that are left out of a folder or an archive, as patterns with commas between them: of a name at any
        /// depth (masks, *_mask.png) or, with a slash, of a path below the folder. What lies in a folder that
        /// is left out is left out with it.
        exclude: Option<String> = None;
        /// What becomes of TIFF files of several pages: first takes only their first page, all makes each page a
        /// picture with its file's label, called `stack.tif#2`.
        pages: Pages = Pages::First;
        /// Threads that decode and crop pictures; 0 takes every core. When reports show a wait share, the
        /// device starves: raise this, or use smaller pictures.
        workers: usize = 0 => within(0, 1024);
        /// Memory for decoded pictures, such as 2GiB, so that later epochs need not decode them again; 0 keeps
        /// none. A picture takes a byte for each channel of a pixel.
        cache: Bytes = Bytes(1 << 30);
        /// Batches that are made ahead of the step under way. More even out slow pictures, and cost the memory
        /// of a batch each.
        prefetch: usize = 3 => within(1, 64);
        /// Who makes the crops: cpu, gpu, or auto. auto times both on a batch at the start and keeps the faster
        /// for the whole run. With a software driver, which runs on the processor itself, and with `channels`
        /// other than 3, it takes cpu without timing. Both make the same crops, but not to the last bit.
        augment: Augmenter = Augmenter::Auto;
        /// The colour that transparent pictures are laid on: red, green and blue from 0 to 1. 1,1,1 is white,
        /// 0,0,0 black.
        background: [f64; 3] = [1.0; 3] => triple(each(within(0.0, 1.0)));
        /// The most megapixels that a picture may have; what is larger counts as unreadable, before memory is
        /// asked for.
        max_megapixels: usize = 100 => within(1, 4000);
        /// What is black and white in pictures of more than 8 bits: a number of bits from 8 to 32 for 0 and the
        /// greatest number of so many bits (12 for most microscopes and X-ray detectors), or two values as
        /// LOW..HIGH. auto looks at some pictures when the run starts and keeps what it found in config.toml.
        depth: Depth = Depth::Auto;
        /// Channels of every picture, and of what the network's stem takes: 3 makes colours of all, 1 makes grey
        /// of all, and with any other number, such as 5 for five bands, pictures that have another are left out.
        /// Other than 3, `saturation`, `hue` and `grey` are off, and brightness and contrast change each channel
        /// by itself.
        channels: usize = 3 => within(1, 64);
        /// The bands of files that have more than `channels`, numbered from 1 as GDAL does: as many as `channels`,
        /// such as 4,3,2, or one for grey. Without it, the channels that the file says are colours, or all of a
        /// file that has as many as `channels`.
        bands: Option<Vec<usize>> = None => optional(list(bands));
        /// The three of more than three channels that people are shown as red, green and blue, in crops, gallery
        /// and window, numbered from 1. Two channels are shown as magenta and green.
        show_bands: Vec<usize> = vec![1, 2, 3] => list(shown);
        /// Decode large JPEGs at a half, a quarter or an eighth of their size where no crop has to be enlarged
        /// for it: two to three times as fast for photographs of 12 megapixels. It depends on nothing but the
        /// picture's size, `crops` and `eval_resize`.
        reduce: bool = true;
        /// Which mean and deviation pixels are normalised by: given takes `mean` and `std` as they are, dataset
        /// works them out from the pictures when the run starts and keeps them in its config.toml.
        normalize: Normalize = Normalize::Given;
    }
    "Crops" {
        /// Crops of each picture, as COUNTxSIZE@SCALE-SCALE: 6x96@0.05-0.14 is six of 96 pixels, each from 5 to
        /// 14 % of the picture's area. The default is the paper's multi-crop: two large ones and six small ones
        /// that cost little and teach that parts belong to the whole.
        crops: Vec<CropGroup> = vec![
            CropGroup { count: 2, size: 224, scale: [0.14, 1.0] },
            CropGroup { count: 6, size: 96, scale: [0.05, 0.14] },
        ] => list(crops);
        /// Chance that a crop is mirrored left to right. Use 0 where the side matters, as in writing.
        flip: f64 = 0.5 => within(0.0, 1.0);
        /// Chance that a crop's colours are jittered (brightness, contrast, saturation and hue in a random
        /// order). Without it, the network can tell a picture by its colours alone.
        jitter: f64 = 0.8 => within(0.0, 1.0);
        /// Strength of the brightness jitter: a factor between 1 − this and 1 + this. On small or drawn
        /// pictures, the official strength can keep the loss at ln K; halve all four there.
        brightness: f64 = 0.8 => within(0.0, 2.0);
        /// Strength of the contrast jitter: a factor between 1 − this and 1 + this.
        contrast: f64 = 0.8 => within(0.0, 2.0);
        /// Strength of the saturation jitter: a factor between 1 − this and 1 + this.
        saturation: f64 = 0.8 => within(0.0, 2.0);
        /// Strength of the hue jitter, as a share of the colour circle to either side.
        hue: f64 = 0.2 => within(0.0, 0.5);
        /// Chance that a crop loses its colours. Use 0 for pictures that are grey anyway.
        grey: f64 = 0.2 => within(0.0, 1.0);
        /// Chance that a crop is blurred. Use 0 for crops of about 32 pixels, which have nothing to lose.
        blur: f64 = 0.5 => within(0.0, 1.0);
        /// Smallest radius of the blur in pixels.
        blur_min: f64 = 0.1 => within(0.0, 100.0);
        /// Largest radius of the blur in pixels.
        blur_max: f64 = 2.0 => within(0.0, 100.0);
        /// Mean of the values of each channel that is taken off every pixel, or one for all; these are ImageNet's
        /// for red, green and blue. Three for pictures of another number of `channels` stand for none: then both
        /// are worked out from the pictures.
        mean: Vec<f64> = vec![0.485, 0.456, 0.406] => list(each(within(0.0, 1.0)));
        /// Deviation of the values of each channel that every pixel is divided by, or one for all. The official
        /// code has .228 for red where others have .229.
        std: Vec<f64> = vec![0.228, 0.224, 0.225] => list(each(positive(10.0)));
    }
    "Model" {
        /// The ResNet that turns a crop into features. `block`, `blocks` and `width` replace parts of it, for
        /// machines that cannot carry one of the usual ones.
        arch: Arch = Arch::Resnet50;
        /// The residual block, in place of the arch's: basic (two 3×3) or bottleneck (1×1, 3×3, 1×1).
        block: Option<Block> = None;
        /// Blocks in each of the four stages, in place of the arch's: 1,1,1,1 is the smallest trunk.
        blocks: Option<Vec<usize>> = None => optional(list(stages));
        /// Channels of the first stage, in place of the arch's (64, or 128, 256, 320 for w2, w4, w5). Time and
        /// memory grow with it, up to its square.
        width: Option<usize> = None => optional(within(4, 1024));
        /// The layers before the first block: imagenet (7×7 of stride 2 and a max-pool) for crops of about 96
        /// pixels and more, cifar (3×3 of stride 1) for 32, stride2 (3×3 of stride 2) for 32 at a quarter of
        /// the cost.
        stem: Stem = Stem::Imagenet;
        /// Width of the hidden layer of the projection head; 0 makes the head one linear layer. The official
        /// code has 2048, and 8192 for resnet50w2 and w4.
        hidden: usize = 2048 => within(0, 65_536);
        /// Whether the projection head has a batch norm between its layers, as SwAV's and BYOL's; MoCo v2's has none.
        head_norm: bool = true;
        /// Length of the embedding, which is compared with prototypes or with other embeddings.
        embedding: usize = 128 => within(2, 8192);
        /// How many prototypes (K): the clusters that the codes are spread over. The authors advise about 10 ×
        /// the classes that you expect; 12 to 20 in all easily fails. A method without prototypes groups its pictures
        /// into so many clusters in gallery and window; deepcluster-v2 and sela-v2 have sets of so many each (see `heads`).
        prototypes: usize = 3000 => within(2, 1_000_000);
    }
    "Method" {
        /// Sets of prototypes, each with labels of its own that are made of the assignment crops in turn: how many each
        /// has, such as 3000,3000,3000. Without it there are three of `prototypes` each.
        heads: Option<Vec<usize>> = None => optional(list(sets));
        /// Smoothness of the codes (ε of Sinkhorn): smaller is sharper. Lower it to 0.03 when the loss stays at
        /// ln K, the authors' first advice; raise it when prototypes die.
        epsilon: f64 = 0.05 => positive(10.0);
        /// Rounds of Sinkhorn that balance the codes between the prototypes. Three leave them roughly balanced,
        /// which is what the paper uses.
        sinkhorn_iterations: u32 = 3 => within(1, 1000);
        /// Temperature of the softmax over prototypes (swav), over other crops (simclr) or over keys (moco-v2); smaller
        /// punishes mistakes harder.
        temperature: f64 = 0.1 => positive(10.0);
        /// The crops that are predicted from the others, by their codes (swav) or by what the target network makes of
        /// them (byol), or that pictures are labelled by (deepcluster-v2, sela-v2), counted from 0 in the order of `crops`: the large ones.
        assign: Vec<usize> = vec![0, 1] => list(distinct);
        /// Embeddings of earlier steps: with swav they join the batch while codes are balanced, for batches much
        /// smaller than the prototypes (officially 3840 at batch 256, 0 for none); with moco-v2 they are the keys that
        /// the right one must be told from (officially 65536). Rounded down to a multiple of the batch.
        queue: usize = 0 => within(0, 10_000_000);
        /// Epoch from which the queue is filled. When it comes into use the loss should go down: if it goes up,
        /// start later or make it smaller.
        queue_start: f64 = 15.0 => within(0.0, 1e6);
        /// Steps at the start in which the prototypes do not move, so that the first, random codes do not pull
        /// them together. Make it longer when the loss stays at ln K. Where a preset's would be more than a tenth of the
        /// run, a tenth is taken, unless you give another number.
        freeze_prototypes: u64 = 313;
        /// How much of itself the second network keeps at a step of byol or moco-v2; the rest is that of the network
        /// in training. With byol it rises to 1 over the run.
        target_momentum: f64 = 0.996 => within(0.0, 1.0);
        /// Width of the hidden layer of byol's predictor, which guesses the other crop's projection from this one's.
        predictor: usize = 4096 => within(1, 65_536);
    }
    "Optimiser" {
        /// The rule of the steps: larc (SGD with each tensor's step scaled to its norm: the official one of SwAV, made
        /// for large batches), lars (the same as SimCLR and BYOL have it), sgd, or adamw (common for small data). As
        /// in the official code, larc scales every tensor, batch norm and biases included, and never clips the
        /// scaled rate.
        optimizer: Optimizer = Optimizer::Larc;
        /// Learning rate after warm-up. It goes with the batch: 4.8 for LARC at 4096, 0.6 at 256; AdamW wants
        /// about 0.001.
        lr: f64 = 4.8 => positive(1000.0);
        /// Learning rate that the cosine falls to at the end of the run; officially a thousandth of `lr`.
        final_lr: f64 = 0.0048 => within(0.0, 1000.0);
        /// Epochs in which the learning rate rises in a line from `start_lr` to `lr`; 0 for none. When you
        /// shorten a recipe below its warm-up and leave this alone, warm-up keeps its share of the run.
        warmup: f64 = 10.0 => within(0.0, 1e6);
        /// Learning rate at the first step of the warm-up.
        start_lr: f64 = 0.3 => within(0.0, 1000.0);
        /// Pull of every weight towards zero, batch norm and biases included as in the official code of SwAV.
        weight_decay: f64 = 1e-6 => within(0.0, 1.0);
        /// Leave batch norms and biases out of weight decay and of the scaling of larc and lars, as the official code of SimCLR and
        /// BYOL does.
        exclude_norms: bool = false;
        /// Share of the last step that is kept, for larc, lars and sgd.
        momentum: f64 = 0.9 => decay;
        /// Trust of larc and lars: the size of a step as a share of the weights' norm.
        trust: f64 = 0.001 => positive(1.0);
        /// Never let larc take a larger step than plain SGD would: its scale is cut at 1, as in LARC's paper and in
        /// solo-learn. The official code of SwAV does not.
        clip: bool = false;
        /// AdamW's memory of the mean gradient.
        beta1: f64 = 0.9 => decay;
        /// AdamW's memory of the squared gradient.
        beta2: f64 = 0.999 => decay;
    }
    "Evaluation" {
        /// Shorter side in pixels that a picture is scaled to before its centre is cut out for evaluation.
        eval_resize: u32 = 256 => within(8, 1024);
        /// Side of that centre in pixels; embeddings and prototypes are best near the size of the large crops.
        eval_size: u32 = 224 => within(8, 1024);
        /// The stage of the trunk, 1 to 4, whose output the features of a picture are. Papers take the last. Of a small network that
        /// was trained for minutes, the third over a grid (`eval_grid`) tells more. Prototypes and embeddings stand on the last in
        /// any case.
        eval_stage: usize = 4 => within(1, 4);
        /// Features are means over the cells of a grid of so many rows and columns; 1 is the global average that papers take.
        /// More cells keep where in a picture something is, which tells more of drawings and other things that fill their
        /// pictures. The vector is as many times longer as there are cells; a stage of fewer pixels has a cell for each.
        eval_grid: usize = 1 => within(1, 16);
        /// Pictures on each side of a split that a run judges itself by, at most, spread evenly; 0 takes all. Without it,
        /// 5000, or where a processor computes, no more than take it about a minute (2000 GFLOP, but 250 at least). The
        /// gallery is chosen from four times as many. `swav-wgpu eval knn` may be asked afterwards: it
        /// looks at up to 50,000.
        eval_pictures: Option<usize> = None;
        /// Neighbours that vote in the kNN evaluation; the field uses 20 and 200.
        knn_k: usize = 20 => within(1, 100_000);
        /// Temperature of the votes: a neighbour counts exp(similarity / this).
        knn_temperature: f64 = 0.07 => positive(10.0);
    }
    "Device" {
        /// The graphics adapter, by its number in `swav-wgpu devices` or a part of its name. Without it, the
        /// fastest kind is taken: discrete, integrated, then software.
        adapter: Option<String> = None;
        /// The family of kernels that make products. auto takes what suits the adapter; the others are for comparing.
        kernels: Kernels = Kernels::Auto;
        /// Kernels of single products, where `kernels` is auto. auto takes what `swav-wgpu tune` has found for
        /// the adapter, off the usual ones, without matrix units. A run records what it took, so that resuming it
        /// changes no bit.
        tuned: Tuned = Tuned::Auto;
        /// The milliseconds that one submission to the device may take, estimated at first and then measured. Systems
        /// end what keeps a device busy for seconds; lower this where the screen stutters or the device gets lost.
        submission_ms: u64 = 100 => within(1, 10_000);
        /// Keep only the input of every residual block and compute the rest again for its gradients: about
        /// half the memory for a quarter to a third more time, and the same results to the last bit.
        recompute: bool = false;
        /// How activations and their gradients are stored in the trunk: f32, or f16 for half of their memory and
        /// traffic, on any adapter. Sums, statistics, weights, codes and the optimiser are f32 in any case, and
        /// gradients are scaled so that small ones do not vanish; a step in which one overflows is skipped.
        precision: Precision = Precision::F32;
    }
}
