//! The layers of a network, each kind and shape once, as the training step meets them.

use swav_wgpu::config::{Config, Layout};
use swav_wgpu::gpu::Shape;
use swav_wgpu::ops::conv2d::Filter;
use swav_wgpu::ops::pool;

/// What is timed of a network.
pub(crate) struct Layers {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    /// Convolutions and linear layers with the shapes of their inputs.
    pub(crate) filters: Vec<(Filter, Shape)>,
    /// What batch norms work on.
    pub(crate) norms: Vec<Shape>,
    /// What the max-pool works on.
    pub(crate) max_pools: Vec<Shape>,
    /// What the average pool works on.
    pub(crate) features: Vec<Shape>,
    /// Values of each parameter and whether it is a vector.
    pub(crate) parameters: Vec<(usize, bool)>,
}

impl Layers {
    pub(crate) fn of(name: &'static str, config: &Config) -> Self {
        let mut layers = Self {
            name,
            config: config.clone(),
            filters: Vec::new(),
            norms: Vec::new(),
            max_pools: Vec::new(),
            features: Vec::new(),
            parameters: Vec::new(),
        };
        for (group, crops) in config.crops.iter().enumerate() {
            let size = crops.size as u32;
            layers.trunk(Shape::pictures((crops.count * config.batch) as u32, size, size, 3));
            if group == 0 {
                layers.head();
            }
        }
        layers
    }

    /// A convolution and its batch norm; each shape is kept once, each parameter of the first group.
    fn unit(&mut self, filter: Filter, x: Shape) -> Shape {
        let y = filter.output(x);
        if !self.filters.contains(&(filter, x)) {
            self.filters.push((filter, x));
        }
        if !self.norms.contains(&y) {
            self.norms.push(y);
        }
        if self.features.is_empty() {
            self.parameters.push(((filter.filters * filter.channels * filter.taps()) as usize, false));
            self.parameters.extend([(filter.filters as usize, true); 2]);
        }
        y
    }

    fn trunk(&mut self, x: Shape) {
        let Layout { stem, pool, blocks } =
            self.config.trunk().layout(self.config.stem, self.config.channels);
        let mut x = self.unit(Filter::of(&stem), x);
        if pool {
            self.max_pools.push(x);
            x = pool::max_output(x);
        }
        for block in &blocks {
            let y = block.units.iter().fold(x, |x, unit| self.unit(Filter::of(unit), x));
            if let Some(shortcut) = &block.shortcut {
                self.unit(Filter::of(shortcut), x);
            }
            x = y;
        }
        self.features.push(x);
    }

    /// The head sees the rows of all crops at once.
    fn head(&mut self) {
        let Config { hidden, embedding, prototypes, batch, .. } = self.config;
        let rows = (self.config.crop_count() * batch) as u32;
        let mut inputs = self.features[0].channels;
        for outputs in [hidden, embedding, prototypes].map(|n| n as u32) {
            self.filters.push((Filter::linear(inputs, outputs), Shape::matrix(rows, inputs)));
            self.parameters.push(((inputs * outputs) as usize, false));
            inputs = outputs;
        }
        self.norms.push(Shape::matrix(rows, hidden as u32));
        self.parameters.extend([hidden, hidden, hidden, embedding].map(|n| (n, true)));
    }
}
